use std::fmt;

use hkdf::Hkdf;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// The key of one purpose, with the one that it replaced while the secret is being rotated.
///
/// What is made is made with the current key; what was made with the previous one is still accepted.
#[derive(Clone, Copy)]
pub struct RotatedKey {
    current: [u8; 32],
    previous: Option<[u8; 32]>,
}

impl RotatedKey {
    /// The key of the secret in use.
    #[must_use]
    pub fn current(&self) -> &[u8; 32] {
        &self.current
    }

    /// The key of the secret that was in use before, where the operator still names it.
    #[must_use]
    pub fn previous(&self) -> Option<&[u8; 32]> {
        self.previous.as_ref()
    }

    /// Both, the current one first.
    pub(crate) fn accepted(&self) -> impl Iterator<Item = &[u8; 32]> {
        [&self.current].into_iter().chain(&self.previous)
    }
}

impl fmt::Debug for RotatedKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("RotatedKey(redacted)")
    }
}

/// The keys of every purpose, derived from the one secret that an operator keeps.
///
/// HKDF-SHA-256 (RFC 5869) with a label for each purpose, so that what is signed for one can't be used for another,
/// and a leaked key doesn't tell the others.
#[derive(Debug)]
pub struct DerivedKeys {
    /// Signs access tokens.
    pub(crate) access_tokens: RotatedKey,
    /// Names the keys of access tokens.
    pub(crate) access_token_names: RotatedKey,
    /// Signs refresh tokens.
    pub(crate) refresh_tokens: RotatedKey,
    /// Signs what is given out between password and second factor.
    pub(crate) mfa_tokens: RotatedKey,
    /// Signs device tokens.
    pub(crate) device_tokens: RotatedKey,
    /// Names the buckets of guesses.
    pub(crate) guesses: RotatedKey,
    /// Encrypts values at rest.
    pub(crate) sealing: RotatedKey,
    /// Hides the recipients of mail.
    pub(crate) recipients: RotatedKey,
    /// Seals the ends of the audit log's chains.
    pub(crate) audit_seals: RotatedKey,
    /// Signs cursors.
    cursors: RotatedKey,
}

impl DerivedKeys {
    /// Derives the keys from `secret`, the `SECRET_KEY` setting: at least 32 bytes, which the settings check. What was
    /// made under the `previous` secret stays good.
    #[must_use]
    pub fn derive(secret: &SecretString, previous: Option<&SecretString>) -> Self {
        let current = Source::of(secret);
        let previous = previous.map(Source::of);
        let key = |purpose: &str| RotatedKey {
            current: current.expand(purpose),
            previous: previous.as_ref().map(|source| source.expand(purpose)),
        };
        Self {
            access_tokens: key("tenantry/v1/access-tokens"),
            access_token_names: key("tenantry/v1/access-token-names"),
            refresh_tokens: key("tenantry/v1/refresh-tokens"),
            mfa_tokens: key("tenantry/v1/mfa-tokens"),
            device_tokens: key("tenantry/v1/device-tokens"),
            guesses: key("tenantry/v1/guesses"),
            sealing: key("tenantry/v1/sealing"),
            recipients: key("tenantry/v1/recipients"),
            audit_seals: key("tenantry/v1/audit-seals"),
            cursors: key("tenantry/v1/cursors"),
        }
    }

    /// The key that authenticates the cursors of lists.
    #[must_use]
    pub fn cursors(&self) -> &RotatedKey {
        &self.cursors
    }
}

/// What keys are expanded from.
struct Source(Hkdf<Sha256>);

impl Source {
    fn of(secret: &SecretString) -> Self {
        Self(Hkdf::new(None, secret.expose_secret().as_bytes()))
    }

    #[expect(clippy::expect_used, reason = "32 bytes are within the 8,160 that HKDF-SHA-256 can give")]
    fn expand(&self, purpose: &str) -> [u8; 32] {
        let mut key = [0; 32];
        self.0.expand(purpose.as_bytes(), &mut key).expect("HKDF-SHA-256 can give 32 bytes");
        key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "0123456789abcdef0123456789abcdef";

    fn keys(secret: &str) -> DerivedKeys {
        DerivedKeys::derive(&SecretString::from(secret), None)
    }

    #[test]
    fn differ_by_purpose_and_by_secret() {
        let one = keys(SECRET);
        let other = keys("0123456789abcdef0123456789abcdeg");
        let all = [
            one.access_tokens,
            one.access_token_names,
            one.refresh_tokens,
            one.mfa_tokens,
            one.device_tokens,
            one.guesses,
            one.sealing,
            one.recipients,
            one.audit_seals,
            one.cursors,
            other.access_tokens,
        ];
        for (index, key) in all.iter().enumerate() {
            assert!(all.iter().skip(index + 1).all(|later| later.current() != key.current()));
        }
    }

    #[test]
    fn stay_the_same_between_releases() {
        // Tokens and sealed values outlive a deployment. Worked out apart from this code, from RFC 5869.
        assert_eq!(*keys(SECRET).cursors.current(), CURSORS);
    }

    #[test]
    fn the_previous_secret_gives_the_keys_that_it_gave() {
        let rotated = DerivedKeys::derive(&SecretString::from("another secret"), Some(&SecretString::from(SECRET)));
        assert_eq!(rotated.cursors.previous(), Some(&CURSORS));
        assert_ne!(*rotated.cursors.current(), CURSORS);
        assert_eq!(rotated.cursors.accepted().count(), 2);
        assert_eq!(keys(SECRET).cursors.accepted().count(), 1);
        assert!(!format!("{rotated:?}").contains("157"));
    }

    const CURSORS: [u8; 32] = [
        0x9d, 0x46, 0x83, 0x05, 0xd5, 0xf3, 0x63, 0xc6, 0x01, 0x08, 0xef, 0x0b, 0xdd, 0x75, 0xb2, 0x59, 0xf3, 0x72,
        0xb5, 0xb2, 0x59, 0x06, 0xb4, 0xe8, 0xd7, 0xb8, 0x49, 0x8f, 0x6b, 0x91, 0x60, 0x33,
    ];
}
