use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use subtle::ConstantTimeEq;
use tenantry_identity::{RefreshClaims, SessionId, ports::RefreshTokens};
use tenantry_kernel::UserId;
use uuid::Uuid;

use crate::{
    keys::{DerivedKeys, RotatedKey},
    mac::hmac_sha256,
};

/// Marks a refresh token for people and for secret scanners.
const PREFIX: &str = "tnr_";
const VERSION: u8 = 1;
/// Version, session, user, generation.
const BODY: usize = 1 + 16 + 16 + 8;
const CODE: usize = 32;

/// Refresh tokens: what they say, and an HMAC-SHA-256 over it, in base64url.
///
/// The same claims always give the same token, so that a successor can be handed out twice although none is stored.
pub struct DerivedRefreshTokens {
    key: RotatedKey,
}

impl DerivedRefreshTokens {
    /// Tokens signed with the key for refresh tokens.
    #[must_use]
    pub fn new(keys: &DerivedKeys) -> Self {
        Self { key: keys.refresh_tokens }
    }
}

impl RefreshTokens for DerivedRefreshTokens {
    fn issue(&self, claims: &RefreshClaims) -> String {
        let mut token = write(claims);
        token.extend(hmac_sha256(self.key.current(), &token));
        format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(token))
    }

    fn verify(&self, token: &str) -> Option<RefreshClaims> {
        let mut bytes = [0; BODY + CODE];
        let length = URL_SAFE_NO_PAD.decode_slice(token.strip_prefix(PREFIX)?, &mut bytes).ok()?;
        let (body, code) = bytes.get(..length)?.split_at_checked(BODY)?;
        let is_ours = self.key.accepted().any(|key| bool::from(hmac_sha256(key, body).ct_eq(code)));
        if is_ours { read(body) } else { None }
    }
}

fn write(claims: &RefreshClaims) -> Vec<u8> {
    let mut body = Vec::with_capacity(BODY + CODE);
    body.push(VERSION);
    body.extend(claims.session_id.as_uuid().as_bytes());
    body.extend(claims.user_id.as_uuid().as_bytes());
    body.extend(claims.generation.to_be_bytes());
    body
}

fn read(body: &[u8]) -> Option<RefreshClaims> {
    let (version, rest) = body.split_first()?;
    let (session, rest) = rest.split_first_chunk()?;
    let (user, rest) = rest.split_first_chunk()?;
    let generation = i64::from_be_bytes(rest.try_into().ok()?);
    (*version == VERSION).then(|| RefreshClaims {
        session_id: SessionId::from_uuid(Uuid::from_bytes(*session)),
        user_id: UserId::from_uuid(Uuid::from_bytes(*user)),
        generation,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use secrecy::SecretString;

    use super::*;

    fn tokens(secret: &str) -> DerivedRefreshTokens {
        DerivedRefreshTokens::new(&DerivedKeys::derive(&SecretString::from(secret), None))
    }

    fn claims(generation: i64) -> RefreshClaims {
        RefreshClaims {
            session_id: SessionId::from_uuid(Uuid::from_u128(1)),
            user_id: UserId::from_uuid(Uuid::from_u128(2)),
            generation,
        }
    }

    #[test]
    fn the_same_claims_give_the_same_token() {
        let tokens = tokens("a secret");
        assert_eq!(tokens.issue(&claims(7)), tokens.issue(&claims(7)));
        assert_ne!(tokens.issue(&claims(7)), tokens.issue(&claims(8)));
        assert!(tokens.issue(&claims(7)).starts_with("tnr_AQ"));
    }

    #[test]
    fn tokens_under_another_secret_are_refused() {
        assert_eq!(tokens("another").verify(&tokens("a secret").issue(&claims(0))), None);
    }

    #[test]
    fn tokens_of_the_previous_secret_stay_good_and_none_are_made_with_it() {
        let secrets = [SecretString::from("the next secret"), SecretString::from("a secret")];
        let rotated = DerivedRefreshTokens::new(&DerivedKeys::derive(&secrets[0], Some(&secrets[1])));
        assert_eq!(rotated.verify(&tokens("a secret").issue(&claims(7))), Some(claims(7)));
        assert_eq!(rotated.verify(&tokens("another").issue(&claims(7))), None);
        assert_eq!(rotated.issue(&claims(7)), tokens("the next secret").issue(&claims(7)));
    }

    #[test]
    fn every_changed_cut_or_longer_token_is_refused() {
        let tokens = tokens("a secret");
        let token = tokens.issue(&claims(3));
        for (index, original) in token.char_indices() {
            let replacement = if original == 'A' { 'B' } else { 'A' };
            let mut forged = token.clone();
            forged.replace_range(index..=index, &replacement.to_string());
            assert_eq!(tokens.verify(&forged), None, "{forged}");
            assert_eq!(tokens.verify(token.get(..index).unwrap()), None);
        }
        assert_eq!(tokens.verify(&format!("{token}A")), None);
        assert_eq!(tokens.verify(&format!("{token}AAAA")), None);
        assert_eq!(tokens.verify(""), None);
    }

    proptest! {
        #[test]
        fn round_trip(session: u128, user: u128, generation: i64) {
            let claims = RefreshClaims {
                session_id: SessionId::from_uuid(Uuid::from_u128(session)),
                user_id: UserId::from_uuid(Uuid::from_u128(user)),
                generation,
            };
            let tokens = tokens("a secret");
            prop_assert_eq!(tokens.verify(&tokens.issue(&claims)), Some(claims));
        }

        #[test]
        fn nonsense_is_refused(text in "(tnr_)?[A-Za-z0-9_-]{0,120}") {
            prop_assert_eq!(tokens("a secret").verify(&text), None);
        }
    }
}
