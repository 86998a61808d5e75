use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::SecretString;
use serde_json::{Value, json};

use super::*;
use crate::mac::hmac_sha256;

const SECRET: &str = "a secret of thirty-two bytes.....";

fn keys(secret: &str) -> DerivedKeys {
    DerivedKeys::derive(&SecretString::from(secret), None)
}

fn tokens() -> JwtAccessTokens {
    JwtAccessTokens::by_secret(&keys(SECRET), "tenantry", "tenantry-api")
}

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

fn claims() -> AccessClaims {
    AccessClaims {
        token_id: Uuid::from_u128(1),
        user_id: UserId::from_uuid(Uuid::from_u128(2)),
        email: "ada@example.com".to_owned(),
        organization_id: OrganizationId::from_uuid(Uuid::from_u128(3)),
        role: "member".to_owned(),
        session_id: SessionId::from_uuid(Uuid::from_u128(4)),
        user_epoch: 5,
        membership_epoch: 6,
        password_change_due: false,
        issued_at: at(1_700_000_000),
        expires_at: at(1_700_000_900),
    }
}

/// Signs any header and payload, as whoever has the key could.
fn sign(header: &Value, payload: &Value, key: &[u8]) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(header), part(payload));
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(hmac_sha256(key, message.as_bytes())))
}

fn payload_of(token: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap()
}

fn payload_with(name: &str, value: Value) -> Value {
    let mut payload = payload_of(&tokens().issue(&claims()));
    payload.as_object_mut().unwrap().insert(name.to_owned(), value);
    payload
}

fn hs256() -> Value {
    json!({"alg": "HS256", "typ": "JWT", "kid": kid()})
}

fn kid() -> String {
    let token = tokens().issue(&claims());
    jsonwebtoken::decode_header(token).unwrap().kid.unwrap()
}

async fn verdict(payload: &Value) -> Result<AccessClaims, AccessTokenError> {
    tokens().verify(&sign(&hs256(), payload, keys(SECRET).access_tokens.current()), at(1_700_000_001)).await
}

#[tokio::test]
async fn round_trip() {
    assert_eq!(tokens().verify(&tokens().issue(&claims()), at(1_700_000_001)).await, Ok(claims()));
    let due = AccessClaims { password_change_due: true, ..claims() };
    assert_eq!(tokens().verify(&tokens().issue(&due), at(1_700_000_001)).await, Ok(due));
}

#[tokio::test]
async fn claims_have_the_documented_names() {
    let expected = json!({
        "iss": "tenantry",
        "aud": "tenantry-api",
        "sub": "00000000-0000-0000-0000-000000000002",
        "user_id": "00000000-0000-0000-0000-000000000002",
        "organization_id": "00000000-0000-0000-0000-000000000003",
        "email": "ada@example.com",
        "role": "member",
        "sid": "00000000-0000-0000-0000-000000000004",
        "jti": "00000000-0000-0000-0000-000000000001",
        "iat": 1_700_000_000,
        "exp": 1_700_000_900,
        "type": "access",
        "uep": 5,
        "mep": 6,
    });
    assert_eq!(payload_of(&tokens().issue(&claims())), expected);
}

#[tokio::test]
async fn expiry_has_no_leeway_and_is_told_from_forgery() {
    let token = tokens().issue(&claims());
    assert!(tokens().verify(&token, at(1_700_000_900) - chrono::Duration::microseconds(1)).await.is_ok());
    assert_eq!(tokens().verify(&token, at(1_700_000_900)).await, Err(AccessTokenError::Expired));
    let forged = sign(&hs256(), &payload_of(&token), b"another key");
    assert_eq!(tokens().verify(&forged, at(1_700_000_900)).await, Err(AccessTokenError::Invalid));
}

#[tokio::test]
async fn another_secret_and_another_purpose_are_refused() {
    let payload = payload_of(&tokens().issue(&claims()));
    for key in [keys("another").access_tokens, keys(SECRET).refresh_tokens] {
        let token = sign(&hs256(), &payload, key.current());
        assert_eq!(tokens().verify(&token, at(1_700_000_001)).await, Err(AccessTokenError::Invalid));
    }
}

#[tokio::test]
async fn only_hs256_is_accepted() {
    let payload = payload_of(&tokens().issue(&claims()));
    for algorithm in ["none", "None", "HS384", "HS512", "RS256", "ES256", "EdDSA"] {
        let header = json!({"alg": algorithm, "typ": "JWT", "kid": kid()});
        let token = sign(&header, &payload, keys(SECRET).access_tokens.current());
        assert_eq!(tokens().verify(&token, at(1_700_000_001)).await, Err(AccessTokenError::Invalid), "{algorithm}");
    }
    let token = sign(&json!({"alg": "none", "kid": kid()}), &payload, b"");
    let unsigned = format!("{}.", token.rsplit_once('.').unwrap().0);
    assert_eq!(tokens().verify(&unsigned, at(1_700_000_001)).await, Err(AccessTokenError::Invalid));
}

#[tokio::test]
async fn every_claim_is_required_and_checked() {
    let good = payload_of(&tokens().issue(&claims()));
    assert!(verdict(&good).await.is_ok());
    for name in good.as_object().unwrap().keys() {
        let mut payload = good.clone();
        payload.as_object_mut().unwrap().remove(name);
        assert_eq!(verdict(&payload).await, Err(AccessTokenError::Invalid), "without {name}");
        assert_eq!(verdict(&payload_with(name, Value::Null)).await, Err(AccessTokenError::Invalid), "{name} null");
    }
    let wrong = [
        ("iss", json!("someone")),
        ("aud", json!("another-api")),
        ("aud", json!(["another-api"])),
        ("type", json!("mfa")),
        ("user_id", json!("00000000-0000-0000-0000-000000000009")),
        ("exp", json!("1700000900")),
        ("exp", json!(i64::MAX)),
        ("iat", json!(i64::MIN)),
    ];
    for (name, value) in wrong {
        assert_eq!(verdict(&payload_with(name, value.clone())).await, Err(AccessTokenError::Invalid), "{name} {value}");
    }
}

#[tokio::test]
async fn a_token_names_its_key_and_is_refused_without_the_name() {
    assert_eq!(kid().len(), 12);
    let payload = payload_of(&tokens().issue(&claims()));
    for kid in [json!(null), json!(""), json!("another"), json!(7)] {
        let header = json!({"alg": "HS256", "typ": "JWT", "kid": kid});
        let token = sign(&header, &payload, keys(SECRET).access_tokens.current());
        assert_eq!(tokens().verify(&token, at(1_700_000_001)).await, Err(AccessTokenError::Invalid), "{kid}");
    }
}

#[tokio::test]
async fn tokens_of_the_previous_secret_verify_until_they_expire() {
    let (next, secret) = (SecretString::from("the next secret of 32 bytes....."), SecretString::from(SECRET));
    let rotated = JwtAccessTokens::by_secret(&DerivedKeys::derive(&next, Some(&secret)), "tenantry", "tenantry-api");
    let old = tokens().issue(&claims());
    assert_eq!(rotated.verify(&old, at(1_700_000_001)).await, Ok(claims()));
    assert_eq!(rotated.verify(&old, at(1_700_000_900)).await, Err(AccessTokenError::Expired));
    // New tokens are those of the new secret alone.
    let new = rotated.issue(&claims());
    assert_eq!(tokens().verify(&new, at(1_700_000_001)).await, Err(AccessTokenError::Invalid));
    let done = JwtAccessTokens::by_secret(&DerivedKeys::derive(&next, None), "tenantry", "tenantry-api");
    assert_eq!(done.verify(&new, at(1_700_000_001)).await, Ok(claims()));
    assert_eq!(done.verify(&old, at(1_700_000_001)).await, Err(AccessTokenError::Invalid));
}

#[tokio::test]
async fn garbage_is_refused() {
    for token in ["", ".", "..", "...", "a.b.c", "\u{0}", &"x".repeat(10_000)] {
        assert_eq!(tokens().verify(token, at(0)).await, Err(AccessTokenError::Invalid));
    }
}
