use std::sync::Arc;

use async_trait::async_trait;
use tenantry_identity::{
    Password, PasswordAttempt, PasswordHash,
    ports::{HashingError, PasswordHasher, Verification},
};

use crate::{
    hashing::{HashingGauges, HashingOptions, HashingPool},
    scheme::{self, Argon2Memory, BcryptCost, BcryptSha256},
};

/// Hashes passwords with the scheme `bcrypt-sha256` on threads of its own, and verifies the hashes of imported
/// accounts: bcrypt and argon2id.
pub struct Passwords {
    pool: HashingPool,
    scheme: BcryptSha256,
    argon2_memory: Argon2Memory,
    decoy: Arc<str>,
}

impl Passwords {
    /// Starts the hashing threads. New hashes have this `cost`; argon2id hashes that ask for more than `argon2_memory` match
    /// no password.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn start(cost: BcryptCost, argon2_memory: Argon2Memory, options: HashingOptions) -> std::io::Result<Self> {
        let scheme = BcryptSha256::new(cost);
        Ok(Self { pool: HashingPool::start(options)?, scheme, argon2_memory, decoy: scheme.decoy().into() })
    }

    /// What the hashing threads are doing, for the metrics.
    #[must_use]
    pub fn gauges(&self) -> HashingGauges {
        self.pool.gauges()
    }
}

#[async_trait]
impl PasswordHasher for Passwords {
    async fn hash(&self, password: &Password) -> Result<PasswordHash, HashingError> {
        let (scheme, password) = (self.scheme, password.clone());
        let encoded = self.pool.run(move || scheme.hash(password.expose())).await?;
        Ok(PasswordHash::from_stored(encoded))
    }

    async fn verify(
        &self,
        attempt: &PasswordAttempt,
        hash: Option<&PasswordHash>,
    ) -> Result<Verification, HashingError> {
        let (scheme, most) = (self.scheme, self.argon2_memory);
        let (decoy, attempt, hash) = (Arc::clone(&self.decoy), attempt.clone(), hash.cloned());
        self.pool.run(move || verify(scheme, most, &decoy, attempt.expose(), hash.as_ref())).await
    }

    fn is_supported(&self, hash: &PasswordHash) -> bool {
        scheme::is_supported(hash.as_str(), self.argon2_memory)
    }

    fn check_room(&self) -> Result<(), HashingError> {
        self.pool.check_room()
    }

    async fn pretend(&self) -> Result<(), HashingError> {
        self.pool.pretend().await;
        Ok(())
    }
}

/// Compares with the decoy where there is no hash, or none that can be checked.
fn verify(
    scheme: BcryptSha256,
    most: Argon2Memory,
    decoy: &str,
    attempt: &str,
    hash: Option<&PasswordHash>,
) -> Verification {
    let stored = hash.map_or(decoy, PasswordHash::as_str);
    scheme::verify(scheme, most, attempt, stored).unwrap_or_else(|error| {
        tracing::warn!(%error, "a password can't be checked");
        let _ = scheme::verify(scheme, most, attempt, decoy);
        Verification::Mismatch
    })
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use super::*;

    fn passwords() -> Passwords {
        let two = NonZeroUsize::new(2).unwrap();
        let options = HashingOptions { threads: two, queue_length: two };
        Passwords::start(BcryptCost::new(4).unwrap(), Argon2Memory::from_mib(64).unwrap(), options).unwrap()
    }

    async fn verdict(hasher: &Passwords, attempt: &str, hash: Option<&PasswordHash>) -> Verification {
        hasher.verify(&PasswordAttempt::new(attempt.to_owned()), hash).await.unwrap()
    }

    #[tokio::test]
    async fn a_password_verifies_and_another_does_not() {
        let hasher = passwords();
        let hash = hasher.hash(&Password::parse("correct horse").unwrap()).await.unwrap();
        assert_eq!(verdict(&hasher, "correct horse", Some(&hash)).await, Verification::Match);
        assert_eq!(verdict(&hasher, "correct horsf", Some(&hash)).await, Verification::Mismatch);
    }

    #[tokio::test]
    async fn without_a_usable_hash_the_work_is_done_all_the_same() {
        let hasher = passwords();
        assert_eq!(verdict(&hasher, "anything", None).await, Verification::Mismatch);
        let planted = PasswordHash::from_stored("$2b$31$planted".to_owned());
        assert_eq!(verdict(&hasher, "anything", Some(&planted)).await, Verification::Mismatch);
        assert_eq!(hasher.gauges().completed, 2);
    }

    #[tokio::test]
    async fn a_pretended_comparison_takes_time_and_no_thread() {
        let options = HashingOptions { threads: NonZeroUsize::MIN, queue_length: NonZeroUsize::MIN };
        let hasher =
            Passwords::start(BcryptCost::new(8).unwrap(), Argon2Memory::from_mib(64).unwrap(), options).unwrap();
        for _ in 0..5 {
            verdict(&hasher, "anything", None).await;
        }
        let mean = hasher.gauges().mean_seconds;
        let start = std::time::Instant::now();
        let pretended = (0..200).map(|_| hasher.pretend());
        assert!(futures_util::future::join_all(pretended).await.iter().all(Result::is_ok));
        let took = start.elapsed().as_secs_f64();
        assert!((0.3 * mean..20.0 * mean).contains(&took), "{took} s beside {mean} s");
        assert_eq!(hasher.gauges().completed, 5);
    }
}
