use std::fmt;

use hkdf::Hkdf;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// The keys of every purpose, derived from the one secret that an operator keeps.
///
/// HKDF-SHA-256 (RFC 5869) with a label for each purpose, so that what is signed for one can't be used for another,
/// and a leaked key doesn't tell the others.
pub struct DerivedKeys {
    /// Signs access tokens.
    pub(crate) access_tokens: [u8; 32],
    /// Signs refresh tokens.
    pub(crate) refresh_tokens: [u8; 32],
    /// Encrypts values at rest.
    pub(crate) sealing: [u8; 32],
    /// Signs cursors.
    cursors: [u8; 32],
}

impl DerivedKeys {
    /// Derives the keys from `secret`, the `SECRET_KEY` setting: at least 32 bytes, which the settings check.
    #[must_use]
    pub fn derive(secret: &SecretString) -> Self {
        let source = Hkdf::<Sha256>::new(None, secret.expose_secret().as_bytes());
        Self {
            access_tokens: expand(&source, "tenantry/v1/access-tokens"),
            refresh_tokens: expand(&source, "tenantry/v1/refresh-tokens"),
            sealing: expand(&source, "tenantry/v1/sealing"),
            cursors: expand(&source, "tenantry/v1/cursors"),
        }
    }

    /// The key that authenticates the cursors of lists.
    #[must_use]
    pub fn cursors(&self) -> &[u8; 32] {
        &self.cursors
    }
}

impl fmt::Debug for DerivedKeys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("DerivedKeys(redacted)")
    }
}

#[expect(clippy::expect_used, reason = "32 bytes are within the 8,160 that HKDF-SHA-256 can give")]
fn expand(source: &Hkdf<Sha256>, purpose: &str) -> [u8; 32] {
    let mut key = [0; 32];
    source.expand(purpose.as_bytes(), &mut key).expect("HKDF-SHA-256 can give 32 bytes");
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(secret: &str) -> DerivedKeys {
        DerivedKeys::derive(&SecretString::from(secret))
    }

    #[test]
    fn differ_by_purpose_and_by_secret() {
        let one = keys("0123456789abcdef0123456789abcdef");
        let other = keys("0123456789abcdef0123456789abcdeg");
        let all = [one.access_tokens, one.refresh_tokens, one.sealing, one.cursors, other.access_tokens];
        for (index, key) in all.iter().enumerate() {
            assert!(all.iter().skip(index + 1).all(|later| later != key));
        }
    }

    #[test]
    fn stay_the_same_between_releases() {
        // Tokens and sealed values outlive a deployment. Worked out apart from this code, from RFC 5869.
        assert_eq!(keys("0123456789abcdef0123456789abcdef").cursors, CURSORS);
    }

    const CURSORS: [u8; 32] = [
        0x9d, 0x46, 0x83, 0x05, 0xd5, 0xf3, 0x63, 0xc6, 0x01, 0x08, 0xef, 0x0b, 0xdd, 0x75, 0xb2, 0x59, 0xf3, 0x72,
        0xb5, 0xb2, 0x59, 0x06, 0xb4, 0xe8, 0xd7, 0xb8, 0x49, 0x8f, 0x6b, 0x91, 0x60, 0x33,
    ];
}
