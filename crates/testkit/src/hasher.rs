use async_trait::async_trait;
use tenantry_identity::{
    Password, PasswordAttempt, PasswordHash,
    ports::{HashingError, PasswordHasher, Verification},
};

/// Keeps passwords in clear: for tests of everything but hashing, which would only make them slow.
#[derive(Debug, Clone, Copy, Default)]
pub struct ClearHasher;

#[async_trait]
impl PasswordHasher for ClearHasher {
    async fn hash(&self, password: &Password) -> Result<PasswordHash, HashingError> {
        Ok(PasswordHash::from_stored(format!("clear:{}", password.expose())))
    }

    async fn verify(
        &self,
        attempt: &PasswordAttempt,
        hash: Option<&PasswordHash>,
    ) -> Result<Verification, HashingError> {
        let expected = format!("clear:{}", attempt.expose());
        let matches = hash.is_some_and(|hash| hash.as_str() == expected);
        Ok(if matches { Verification::Match } else { Verification::Mismatch })
    }

    fn is_supported(&self, hash: &PasswordHash) -> bool {
        hash.as_str().starts_with("clear:")
    }

    fn check_room(&self) -> Result<(), HashingError> {
        Ok(())
    }

    async fn pretend(&self) -> Result<(), HashingError> {
        Ok(())
    }
}
