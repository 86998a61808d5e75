use tenantry_identity::{BucketKey, ports::BucketKeys};

use crate::{
    keys::{DerivedKeys, RotatedKey},
    mac::hmac_sha256,
};

/// Names buckets of guesses by HMAC-SHA-256, so that whoever reads the database learns no name or address. Under another
/// secret the counts begin anew.
pub struct KeyedBuckets {
    key: RotatedKey,
}

impl KeyedBuckets {
    /// Names under the key for guesses.
    #[must_use]
    pub fn new(keys: &DerivedKeys) -> Self {
        Self { key: keys.guesses }
    }
}

impl BucketKeys for KeyedBuckets {
    fn key(&self, label: &[u8]) -> BucketKey {
        BucketKey::from_bytes(hmac_sha256(self.key.current(), label))
    }
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::*;

    #[test]
    fn names_are_stable_and_secret() {
        let named = |secret: &str, label: &[u8]| {
            KeyedBuckets::new(&DerivedKeys::derive(&SecretString::from(secret), None)).key(label)
        };
        assert_eq!(named("a secret", b"ada"), named("a secret", b"ada"));
        assert_ne!(named("a secret", b"ada"), named("a secret", b"bob"));
        assert_ne!(named("a secret", b"ada"), named("another", b"ada"));
    }
}
