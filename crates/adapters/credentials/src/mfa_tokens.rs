use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use subtle::ConstantTimeEq;
use tenantry_identity::{AccessTokenError, MfaClaims, PasswordFingerprint, PasswordHash, ports::MfaTokens};
use tenantry_kernel::UserId;
use uuid::Uuid;

use crate::{keys::DerivedKeys, mac::hmac_sha256};

/// Marks the token for people and for secret scanners.
const PREFIX: &str = "tnm_";
const VERSION: u8 = 1;
/// Version, user, epoch, fingerprint, expiry.
const BODY: usize = 1 + 16 + 8 + 16 + 8;
const CODE: usize = 32;

/// Tokens between a right password and the second factor: what they say, and an HMAC-SHA-256 over it, in base64url.
/// They last for minutes, so that none needs to outlive a change of the secret.
pub struct SignedMfaTokens {
    key: [u8; 32],
}

impl SignedMfaTokens {
    /// Tokens signed with the key for them.
    #[must_use]
    pub fn new(keys: &DerivedKeys) -> Self {
        Self { key: *keys.mfa_tokens.current() }
    }
}

impl MfaTokens for SignedMfaTokens {
    fn issue(&self, claims: &MfaClaims) -> String {
        let mut token = write(claims);
        token.extend(hmac_sha256(&self.key, &token));
        format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(token))
    }

    fn verify(&self, token: &str, now: DateTime<Utc>) -> Result<MfaClaims, AccessTokenError> {
        let claims = self.read(token).ok_or(AccessTokenError::Invalid)?;
        if now < claims.expires_at { Ok(claims) } else { Err(AccessTokenError::Expired) }
    }

    fn fingerprint(&self, hash: &PasswordHash) -> PasswordFingerprint {
        // The label keeps it apart from what is signed: no token begins like this.
        let code = hmac_sha256(&self.key, &[b"password hash ", hash.as_str().as_bytes()].concat());
        let (start, _) = code.split_first_chunk().unwrap_or((&[0; 16], &[]));
        PasswordFingerprint(*start)
    }
}

impl SignedMfaTokens {
    /// What the token says, if its signature is ours.
    fn read(&self, token: &str) -> Option<MfaClaims> {
        let mut bytes = [0; BODY + CODE];
        let length = URL_SAFE_NO_PAD.decode_slice(token.strip_prefix(PREFIX)?, &mut bytes).ok()?;
        let (body, code) = bytes.get(..length)?.split_at_checked(BODY)?;
        if bool::from(hmac_sha256(&self.key, body).ct_eq(code)) { read(body) } else { None }
    }
}

fn write(claims: &MfaClaims) -> Vec<u8> {
    let mut body = Vec::with_capacity(BODY + CODE);
    body.push(VERSION);
    body.extend(claims.user_id.as_uuid().as_bytes());
    body.extend(claims.user_epoch.to_be_bytes());
    body.extend(claims.password.0);
    body.extend(claims.expires_at.timestamp().to_be_bytes());
    body
}

fn read(body: &[u8]) -> Option<MfaClaims> {
    let (version, rest) = body.split_first()?;
    let (user, rest) = rest.split_first_chunk()?;
    let (epoch, rest) = rest.split_first_chunk()?;
    let (password, rest) = rest.split_first_chunk()?;
    let expires_at = DateTime::from_timestamp(i64::from_be_bytes(rest.try_into().ok()?), 0)?;
    (*version == VERSION).then(|| MfaClaims {
        user_id: UserId::from_uuid(Uuid::from_bytes(*user)),
        user_epoch: i64::from_be_bytes(*epoch),
        password: PasswordFingerprint(*password),
        expires_at,
    })
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::*;

    fn tokens(secret: &str) -> SignedMfaTokens {
        SignedMfaTokens::new(&DerivedKeys::derive(&SecretString::from(secret), None))
    }

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
    }

    fn claims() -> MfaClaims {
        MfaClaims {
            user_id: UserId::from_uuid(Uuid::from_u128(2)),
            user_epoch: 7,
            password: tokens("a secret").fingerprint(&PasswordHash::from_stored("a hash".to_owned())),
            expires_at: at(300),
        }
    }

    #[test]
    fn a_token_is_good_until_it_expires_and_under_its_key_only() {
        let token = tokens("a secret").issue(&claims());
        assert!(token.starts_with("tnm_AQ"), "{token}");
        assert_eq!(tokens("a secret").verify(&token, at(299)), Ok(claims()));
        assert_eq!(tokens("a secret").verify(&token, at(300)), Err(AccessTokenError::Expired));
        assert_eq!(tokens("another").verify(&token, at(0)), Err(AccessTokenError::Invalid));
    }

    #[test]
    fn every_changed_cut_or_longer_token_is_refused() {
        let tokens = tokens("a secret");
        let token = tokens.issue(&claims());
        for (index, original) in token.char_indices() {
            let mut forged = token.clone();
            forged.replace_range(index..=index, if original == 'A' { "B" } else { "A" });
            assert_eq!(tokens.verify(&forged, at(0)), Err(AccessTokenError::Invalid), "{forged}");
            assert_eq!(tokens.verify(token.get(..index).unwrap(), at(0)), Err(AccessTokenError::Invalid));
        }
        assert_eq!(tokens.verify(&format!("{token}AAAA"), at(0)), Err(AccessTokenError::Invalid));
    }

    #[test]
    fn a_fingerprint_tells_hashes_apart() {
        let of = |secret, hash: &str| tokens(secret).fingerprint(&PasswordHash::from_stored(hash.to_owned()));
        assert_eq!(of("a secret", "one"), of("a secret", "one"));
        assert_ne!(of("a secret", "one"), of("a secret", "two"));
        assert_ne!(of("a secret", "one"), of("another", "one"));
    }
}
