use std::sync::Arc;

use tenantry_kernel::StorageError;

use crate::{
    AuthenticationError, GuessTarget, GuessingGuard, IdentityError, Password, PasswordAttempt, PasswordHash,
    PasswordOwner, PasswordPolicy, ReservedGuess, WeakPassword,
    ports::{HashingError, PasswordHasher, Verification},
};

/// A password could not be compared.
#[derive(Debug, thiserror::Error)]
pub enum PasswordCheckError {
    /// It could not be hashed.
    #[error(transparent)]
    Hashing(#[from] HashingError),
    /// The guess could not be counted.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl From<PasswordCheckError> for AuthenticationError {
    fn from(error: PasswordCheckError) -> Self {
        match error {
            PasswordCheckError::Hashing(error) => Self::Hashing(error),
            PasswordCheckError::Storage(error) => Self::Storage(error),
        }
    }
}

impl From<PasswordCheckError> for IdentityError {
    fn from(error: PasswordCheckError) -> Self {
        match error {
            PasswordCheckError::Hashing(error) => Self::Hashing(error),
            PasswordCheckError::Storage(error) => Self::Storage(error),
        }
    }
}

/// A new password was not taken.
#[derive(Debug, thiserror::Error)]
pub enum PasswordRefused {
    /// It is too easy to guess.
    #[error("the password {0}")]
    Weak(#[from] WeakPassword),
    /// It could not be hashed.
    #[error(transparent)]
    Hashing(#[from] HashingError),
}

impl From<PasswordRefused> for IdentityError {
    fn from(error: PasswordRefused) -> Self {
        match error {
            PasswordRefused::Weak(weak) => Self::Weak(weak),
            PasswordRefused::Hashing(error) => Self::Hashing(error),
        }
    }
}

/// The only way to compare a password with a stored hash: each comparison is a guess that the [`GuessingGuard`] allows;
/// and the way in for new passwords, which have to satisfy the [`PasswordPolicy`].
pub struct PasswordGate {
    hasher: Arc<dyn PasswordHasher>,
    guard: Arc<GuessingGuard>,
    policy: PasswordPolicy,
}

impl PasswordGate {
    /// A gate before this hasher.
    #[must_use]
    pub fn new(hasher: Arc<dyn PasswordHasher>, guard: Arc<GuessingGuard>, policy: PasswordPolicy) -> Self {
        Self { hasher, guard, policy }
    }

    /// Who counts the guesses.
    #[must_use]
    pub fn guard(&self) -> &GuessingGuard {
        &self.guard
    }

    /// Whether a password would be compared now: for whoever wants to know before they ask the database for its hash, so
    /// that a flood costs it nothing.
    ///
    /// # Errors
    /// [`HashingError::Busy`].
    pub fn check_room(&self) -> Result<(), HashingError> {
        self.hasher.check_room()
    }

    /// Checks the new password that `owner` chose, and hashes it.
    ///
    /// # Errors
    /// [`PasswordRefused`].
    pub async fn admit(&self, password: &Password, owner: &PasswordOwner<'_>) -> Result<PasswordHash, PasswordRefused> {
        self.policy.check(password, owner).await?;
        Ok(self.hasher.hash(password).await?)
    }

    /// Hashes a password that is in use already, whatever the policy says of it today.
    ///
    /// # Errors
    /// [`HashingError`].
    pub async fn hash(&self, password: &Password) -> Result<PasswordHash, HashingError> {
        self.hasher.hash(password).await
    }

    /// Compares `attempt` with the hash, if there is one. An attempt that may not be made takes as long as a wrong one,
    /// and is one to all appearance; so does an attempt at what does not exist.
    ///
    /// # Errors
    /// [`PasswordCheckError`]. When hashing is busy, nothing is counted.
    pub async fn verify(
        &self,
        target: &GuessTarget<'_>,
        attempt: &PasswordAttempt,
        hash: Option<&PasswordHash>,
    ) -> Result<Verification, PasswordCheckError> {
        self.check_room()?;
        let Some(guess) = self.guard.reserve(target).await? else {
            self.hasher.pretend().await?;
            return Ok(Verification::Mismatch);
        };
        match self.hasher.verify(attempt, hash).await {
            Ok(verification) => {
                self.settle(guess, verification).await?;
                Ok(verification)
            }
            Err(error) => {
                self.guard.unused(guess).await?;
                Err(error.into())
            }
        }
    }

    async fn settle(&self, guess: ReservedGuess, verification: Verification) -> Result<(), StorageError> {
        match verification {
            Verification::Match | Verification::MatchRehash => self.guard.right(guess).await,
            Verification::Mismatch => self.guard.wrong(guess).await,
        }
    }
}
