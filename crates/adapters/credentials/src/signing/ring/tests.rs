use std::sync::Mutex as StdMutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use futures_util::future::join_all;
use secrecy::SecretString;
use serde_json::{Value, json};
use tenantry_identity::ports::{AccessTokens as _, SigningKeyForge as _};
use tenantry_identity::{AccessClaims, AuditEntry, OrganizationId, SessionId, SigningKeyChanges, UserId};
use uuid::Uuid;

use super::*;
use crate::mac::hmac_sha256;
use crate::{DerivedKeys, JwtAccessTokens};

/// Keys in memory, and how often they were read.
#[derive(Default)]
struct Shelf {
    keys: StdMutex<Vec<SigningKey>>,
    reads: AtomicUsize,
    is_away: StdMutex<bool>,
}

#[async_trait]
impl SigningKeyStore for Shelf {
    async fn list(&self) -> Result<Vec<SigningKey>, StorageError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        // Others come while it reads.
        tokio::task::yield_now().await;
        if *self.is_away.lock().unwrap() {
            return Err(StorageError::Unavailable("away".into()));
        }
        Ok(self.keys.lock().unwrap().clone())
    }

    async fn apply(&self, _: &SigningKeyChanges, _: &[AuditEntry]) -> Result<bool, StorageError> {
        Ok(false)
    }
}

impl Shelf {
    fn put(&self, state: SigningKeyState) -> SigningKey {
        let key = forge(SECRET).generate().starting(state, at(0));
        self.keys.lock().unwrap().push(key.clone());
        key
    }

    fn reads(&self) -> usize {
        self.reads.load(Ordering::SeqCst)
    }
}

const SECRET: &str = "a secret of thirty-two bytes.....";

fn keys(secret: &str) -> DerivedKeys {
    DerivedKeys::derive(&SecretString::from(secret), None)
}

fn forge(secret: &str) -> SealedSigningKeys {
    SealedSigningKeys::new(&keys(secret))
}

fn ring(shelf: &Arc<Shelf>) -> Arc<KeyRing> {
    Arc::new(KeyRing::new(shelf.clone(), forge(SECRET)))
}

fn tokens(ring: &Arc<KeyRing>) -> JwtAccessTokens {
    JwtAccessTokens::by_key_ring(ring.clone(), "tenantry", "tenantry")
}

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
}

fn claims() -> AccessClaims {
    AccessClaims {
        token_id: Uuid::from_u128(1),
        user_id: UserId::from_uuid(Uuid::from_u128(2)),
        email: "ada@example.com".to_owned(),
        organization_id: OrganizationId::from_uuid(Uuid::from_u128(3)),
        role: "MEMBER".to_owned(),
        session_id: SessionId::from_uuid(Uuid::from_u128(4)),
        user_epoch: 5,
        membership_epoch: 6,
        password_change_due: false,
        issued_at: at(0),
        expires_at: at(900),
    }
}

async fn verdict(ring: &Arc<KeyRing>, token: &str) -> Result<AccessClaims, AccessTokenError> {
    tokens(ring).verify(token, at(1)).await
}

fn kid(token: &str) -> String {
    jsonwebtoken::decode_header(token).unwrap().kid.unwrap()
}

#[tokio::test]
async fn l9_the_active_key_signs_and_every_key_verifies() {
    let shelf = Arc::new(Shelf::default());
    let (old, new) = (shelf.put(SigningKeyState::Active), shelf.put(SigningKeyState::Next));
    let ring = ring(&shelf);
    ring.refresh().await.unwrap();
    let token = tokens(&ring).issue(&claims());
    assert_eq!(kid(&token), old.id.as_str());
    assert_eq!(verdict(&ring, &token).await, Ok(claims()));
    let published: Vec<KeyId> = ring.published().into_iter().map(|key| key.id).collect();
    assert_eq!(published, [old.id.clone(), new.id.clone()]);

    for key in shelf.keys.lock().unwrap().iter_mut() {
        key.state = if key.id == old.id { SigningKeyState::Retired } else { SigningKeyState::Active };
    }
    ring.refresh().await.unwrap();
    assert_eq!(kid(&tokens(&ring).issue(&claims())), new.id.as_str());
    assert_eq!(verdict(&ring, &token).await, Ok(claims()));
    shelf.keys.lock().unwrap().retain(|key| key.id == new.id);
    ring.refresh().await.unwrap();
    assert_eq!(verdict(&ring, &token).await, Err(AccessTokenError::Invalid));
}

#[tokio::test]
async fn l9_a_ring_without_keys_signs_what_nobody_takes() {
    let shelf = Arc::new(Shelf::default());
    let ring = ring(&shelf);
    let token = tokens(&ring).issue(&claims());
    assert_eq!(verdict(&ring, &token).await, Err(AccessTokenError::Invalid));
    assert!(ring.published().is_empty());
}

#[tokio::test]
async fn l9_an_unknown_key_is_looked_for_once_however_many_ask() {
    let shelf = Arc::new(Shelf::default());
    let (signing, ring) = (ring(&shelf), ring(&shelf));
    ring.refresh().await.unwrap();
    shelf.put(SigningKeyState::Active);
    signing.refresh().await.unwrap();
    let token = tokens(&signing).issue(&claims());
    let stranger = Arc::new(KeyRing::new(shelf.clone(), forge(SECRET)));
    let forged = tokens(&stranger).issue(&claims());
    let before = shelf.reads();
    let verdicts = join_all((0..10).map(|_| verdict(&ring, &token))).await;
    assert!(verdicts.iter().all(Result::is_ok));
    assert_eq!(shelf.reads(), before + 1);
    // And a flood of tokens of a key that nobody has costs no more for a while.
    for _ in 0..100 {
        assert_eq!(verdict(&ring, &forged).await, Err(AccessTokenError::Invalid));
    }
    assert_eq!(shelf.reads(), before + 1);
}

#[tokio::test]
async fn l9_what_can_not_be_read_is_no_verdict() {
    let shelf = Arc::new(Shelf::default());
    shelf.put(SigningKeyState::Active);
    let (fresh, never) = (ring(&shelf), ring(&shelf));
    fresh.refresh().await.unwrap();
    let token = tokens(&fresh).issue(&claims());
    *shelf.is_away.lock().unwrap() = true;
    assert!(fresh.refresh().await.is_err());
    assert_eq!(verdict(&fresh, &token).await, Ok(claims()));
    assert_eq!(verdict(&never, &token).await, Err(AccessTokenError::KeysUnavailable));
    // Read too long ago, a key may have been revoked since.
    fresh.known.write().unwrap().read_at = Instant::now().checked_sub(MAX_AGE);
    assert_eq!(verdict(&fresh, &token).await, Err(AccessTokenError::KeysUnavailable));
    *shelf.is_away.lock().unwrap() = false;
    assert_eq!(verdict(&fresh, &token).await, Ok(claims()));
}

#[tokio::test]
async fn l9_a_process_of_the_secret_before_goes_on_with_the_keys_it_knows() {
    let shelf = Arc::new(Shelf::default());
    let key = shelf.put(SigningKeyState::Active);
    let ring = ring(&shelf);
    ring.refresh().await.unwrap();
    let next = SecretString::from("the next secret of 32 bytes.....");
    let rotated = SealedSigningKeys::new(&DerivedKeys::derive(&next, Some(&SecretString::from(SECRET))));
    *shelf.keys.lock().unwrap() = vec![rotated.reseal(&key).unwrap()];
    ring.refresh().await.unwrap();
    let token = tokens(&ring).issue(&claims());
    assert_eq!(verdict(&ring, &token).await, Ok(claims()));
}

#[tokio::test]
async fn l9_no_other_algorithm_is_accepted_whatever_key_it_names() {
    let shelf = Arc::new(Shelf::default());
    shelf.put(SigningKeyState::Active);
    let ring = ring(&shelf);
    ring.refresh().await.unwrap();
    let token = tokens(&ring).issue(&claims());
    let payload = token.split('.').nth(1).unwrap();
    let x = URL_SAFE_NO_PAD.decode(&ring.published()[0].x).unwrap();
    let forged = |header: &Value, key: &[u8]| {
        let message = format!("{}.{payload}", URL_SAFE_NO_PAD.encode(header.to_string()));
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(hmac_sha256(key, message.as_bytes())))
    };
    let (text, ours) = (ring.published()[0].x.clone(), keys(SECRET));
    let secrets = [x.as_slice(), text.as_bytes(), ours.access_tokens.current()];
    for algorithm in ["HS256", "HS384", "EdDSA", "RS256", "none", "None", ""] {
        for secret in secrets {
            let header = json!({"alg": algorithm, "typ": "JWT", "kid": kid(&token)});
            assert_eq!(verdict(&ring, &forged(&header, secret)).await, Err(AccessTokenError::Invalid), "{algorithm}");
        }
        let unsigned = forged(&json!({"alg": algorithm, "kid": kid(&token)}), b"");
        let unsigned = format!("{}.", unsigned.rsplit_once('.').unwrap().0);
        assert_eq!(verdict(&ring, &unsigned).await, Err(AccessTokenError::Invalid), "{algorithm}");
    }
    // Of the other algorithm, in both directions.
    let by_secret = JwtAccessTokens::by_secret(&keys(SECRET), "tenantry", "tenantry");
    assert_eq!(verdict(&ring, &by_secret.issue(&claims())).await, Err(AccessTokenError::Invalid));
    assert_eq!(by_secret.verify(&token, at(1)).await, Err(AccessTokenError::Invalid));
}
