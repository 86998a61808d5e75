use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use subtle::ConstantTimeEq;
use tenantry_identity::{DeviceClaims, DeviceId, ports::DeviceTokens};
use tenantry_kernel::UserId;
use uuid::Uuid;

use crate::{
    keys::{DerivedKeys, RotatedKey},
    mac::hmac_sha256,
};

/// Marks a device token for people and for secret scanners.
const PREFIX: &str = "tnd_";
const VERSION: u8 = 1;
/// Version, user, device, expiry in seconds.
const BODY: usize = 1 + 16 + 16 + 8;
const CODE: usize = 32;

/// Device tokens: what they say, and an HMAC-SHA-256 over it, in base64url.
pub struct DerivedDeviceTokens {
    key: RotatedKey,
}

impl DerivedDeviceTokens {
    /// Tokens signed with the key for device tokens.
    #[must_use]
    pub fn new(keys: &DerivedKeys) -> Self {
        Self { key: keys.device_tokens }
    }
}

impl DeviceTokens for DerivedDeviceTokens {
    fn issue(&self, claims: &DeviceClaims) -> String {
        let mut token = write(claims);
        token.extend(hmac_sha256(self.key.current(), &token));
        format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(token))
    }

    fn verify(&self, token: &str, now: DateTime<Utc>) -> Option<DeviceClaims> {
        let mut bytes = [0; BODY + CODE];
        let length = URL_SAFE_NO_PAD.decode_slice(token.strip_prefix(PREFIX)?, &mut bytes).ok()?;
        let (body, code) = bytes.get(..length)?.split_at_checked(BODY)?;
        let is_ours = self.key.accepted().any(|key| bool::from(hmac_sha256(key, body).ct_eq(code)));
        let claims = if is_ours { read(body) } else { None };
        claims.filter(|claims| now < claims.expires_at)
    }
}

fn write(claims: &DeviceClaims) -> Vec<u8> {
    let mut body = Vec::with_capacity(BODY + CODE);
    body.push(VERSION);
    body.extend(claims.user_id.as_uuid().as_bytes());
    body.extend(claims.device_id.as_uuid().as_bytes());
    body.extend(claims.expires_at.timestamp().to_be_bytes());
    body
}

fn read(body: &[u8]) -> Option<DeviceClaims> {
    let (version, rest) = body.split_first()?;
    let (user, rest) = rest.split_first_chunk()?;
    let (device, rest) = rest.split_first_chunk()?;
    let expires_at = DateTime::from_timestamp(i64::from_be_bytes(rest.try_into().ok()?), 0)?;
    (*version == VERSION).then(|| DeviceClaims {
        user_id: UserId::from_uuid(Uuid::from_bytes(*user)),
        device_id: DeviceId::from_uuid(Uuid::from_bytes(*device)),
        expires_at,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use secrecy::SecretString;

    use super::*;

    fn tokens(secret: &str) -> DerivedDeviceTokens {
        DerivedDeviceTokens::new(&DerivedKeys::derive(&SecretString::from(secret), None))
    }

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    fn claims(user: u128, device: u128) -> DeviceClaims {
        DeviceClaims {
            user_id: UserId::from_uuid(Uuid::from_u128(user)),
            device_id: DeviceId::from_uuid(Uuid::from_u128(device)),
            expires_at: at(1_000),
        }
    }

    #[test]
    fn good_until_it_expires_and_under_its_secret_only() {
        let token = tokens("a secret").issue(&claims(1, 2));
        assert!(token.starts_with("tnd_AQ"), "{token}");
        assert_eq!(tokens("a secret").verify(&token, at(999)), Some(claims(1, 2)));
        assert_eq!(tokens("a secret").verify(&token, at(1_000)), None);
        assert_eq!(tokens("another").verify(&token, at(0)), None);
    }

    #[test]
    fn every_changed_cut_or_longer_token_is_refused() {
        let tokens = tokens("a secret");
        let token = tokens.issue(&claims(1, 2));
        for (index, original) in token.char_indices() {
            let replacement = if original == 'A' { 'B' } else { 'A' };
            let mut forged = token.clone();
            forged.replace_range(index..=index, &replacement.to_string());
            assert_eq!(tokens.verify(&forged, at(0)), None, "{forged}");
            assert_eq!(tokens.verify(token.get(..index).unwrap(), at(0)), None);
        }
        assert_eq!(tokens.verify(&format!("{token}A"), at(0)), None);
    }

    proptest! {
        #[test]
        fn round_trip(user: u128, device: u128) {
            let tokens = tokens("a secret");
            prop_assert_eq!(tokens.verify(&tokens.issue(&claims(user, device)), at(0)), Some(claims(user, device)));
        }

        #[test]
        fn nonsense_is_refused(text in "(tnd_)?[A-Za-z0-9_-]{0,120}") {
            prop_assert_eq!(tokens("a secret").verify(&text, at(0)), None);
        }
    }
}
