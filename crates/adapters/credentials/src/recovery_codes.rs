use sha2::{Digest as _, Sha256};
use tenantry_identity::{RecoveryCode, RecoveryCodeDigest, ports::RecoveryCodes};
use tenantry_kernel::UserId;

use crate::random::{random_bytes, spell};

/// Recovery codes of 80 random bits. They are too long to be guessed from their digest, so that SHA-256 is slow enough.
#[derive(Debug, Clone, Copy, Default)]
pub struct RandomRecoveryCodes;

impl RecoveryCodes for RandomRecoveryCodes {
    #[expect(clippy::expect_used, reason = "sixteen letters and digits are a recovery code")]
    fn generate(&self) -> RecoveryCode {
        let code = spell(random_bytes::<{ RecoveryCode::LENGTH }>());
        RecoveryCode::parse(&code).expect("sixteen letters and digits are a recovery code")
    }

    fn digest(&self, user_id: UserId, code: &RecoveryCode) -> RecoveryCodeDigest {
        let digest = Sha256::new().chain_update(user_id.as_uuid()).chain_update(code.expose());
        RecoveryCodeDigest::from_bytes(digest.finalize().to_vec())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use uuid::Uuid;

    use super::*;

    #[test]
    fn are_never_the_same() {
        let codes: HashSet<String> = (0..100).map(|_| RandomRecoveryCodes.generate().grouped()).collect();
        assert_eq!(codes.len(), 100);
        assert!(codes.iter().all(|code| code.len() == 19), "{codes:?}");
    }

    #[test]
    fn a_digest_is_one_users_and_tells_nothing() {
        let user = |id| UserId::from_uuid(Uuid::from_u128(id));
        let code = RandomRecoveryCodes.generate();
        let digest = RandomRecoveryCodes.digest(user(1), &code);
        assert_eq!(digest, RandomRecoveryCodes.digest(user(1), &code));
        assert_ne!(digest, RandomRecoveryCodes.digest(user(2), &code));
        assert_eq!(digest.as_bytes().len(), 32);
    }
}
