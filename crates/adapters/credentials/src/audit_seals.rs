use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tenantry_application::SealCheck;
use tenantry_application::ports::AuditSeals;

use crate::{
    keys::{DerivedKeys, RotatedKey},
    mac::hmac_sha256,
};

/// Chains the audit log by SHA-256, and seals the ends of the chains by HMAC-SHA-256.
pub struct HmacAuditSeals {
    key: RotatedKey,
}

impl HmacAuditSeals {
    /// Seals with the key for the audit log.
    #[must_use]
    pub fn new(keys: &DerivedKeys) -> Self {
        Self { key: keys.audit_seals }
    }
}

impl AuditSeals for HmacAuditSeals {
    fn link(&self, previous: &[u8; 32], position: u64, entry: &[u8]) -> [u8; 32] {
        let hash = Sha256::new().chain_update(previous).chain_update(position.to_be_bytes()).chain_update(entry);
        hash.finalize().into()
    }

    fn seal(&self, bytes: &[u8]) -> [u8; 32] {
        hmac_sha256(self.key.current(), bytes)
    }

    fn check(&self, bytes: &[u8], seal: &[u8; 32]) -> SealCheck {
        let is_by = |key: &[u8; 32]| bool::from(hmac_sha256(key, bytes).ct_eq(seal));
        if is_by(self.key.current()) {
            SealCheck::Current
        } else if self.key.previous().is_some_and(is_by) {
            SealCheck::Previous
        } else {
            SealCheck::Wrong
        }
    }
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::*;

    fn seals(secret: &str, previous: Option<&str>) -> HmacAuditSeals {
        let previous = previous.map(SecretString::from);
        HmacAuditSeals::new(&DerivedKeys::derive(&SecretString::from(secret), previous.as_ref()))
    }

    #[test]
    fn a_seal_tells_which_secret_made_it() {
        let seal = seals("one", None).seal(b"bytes");
        assert_eq!(seals("one", None).check(b"bytes", &seal), SealCheck::Current);
        assert_eq!(seals("two", Some("one")).check(b"bytes", &seal), SealCheck::Previous);
        assert_eq!(seals("two", None).check(b"bytes", &seal), SealCheck::Wrong);
        assert_eq!(seals("one", None).check(b"bytez", &seal), SealCheck::Wrong);
    }

    #[test]
    fn a_link_depends_on_all_that_it_joins() {
        let seals = seals("one", None);
        let link = seals.link(&[0; 32], 1, b"entry");
        assert_ne!(seals.link(&[1; 32], 1, b"entry"), link);
        assert_ne!(seals.link(&[0; 32], 2, b"entry"), link);
        assert_ne!(seals.link(&[0; 32], 1, b"entrz"), link);
    }
}
