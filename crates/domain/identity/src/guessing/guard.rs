use std::sync::Arc;

use chrono::{DateTime, Utc};
use tenantry_kernel::{Clock, IdGenerator, StorageError, UserId};

use super::{Bucket, BucketKey, DeviceClaims, DeviceId, GuessKind, GuessLimits, GuessSubject, GuessTarget, Settlement};
use crate::ports::{BucketKeys, DeviceTokens, GuessLedger};

/// Somebody may make one guess. What became of it has to be told to the [`GuessingGuard`]; until then it counts as wrong.
#[derive(Debug)]
#[must_use]
pub struct ReservedGuess {
    /// The device's bucket, or the subject's.
    key: BucketKey,
    /// The guesses in it, this one included.
    guesses: u32,
    /// The address's bucket, where it counts.
    address: Option<BucketKey>,
}

/// Keeps secrets from being guessed.
///
/// A guess is reserved before it is made, by statements of the database that many requests at once can't outrun, and
/// whether or not there is such an account. Guesses from a known device are counted apart from everybody else's, so
/// that a stranger who uses up the guesses at an account does not lock its owner out.
pub struct GuessingGuard {
    ledger: Arc<dyn GuessLedger>,
    keys: Arc<dyn BucketKeys>,
    devices: Arc<dyn DeviceTokens>,
    limits: GuessLimits,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdGenerator>,
}

impl GuessingGuard {
    /// A guard with these limits.
    #[must_use]
    pub fn new(
        ledger: Arc<dyn GuessLedger>,
        keys: Arc<dyn BucketKeys>,
        devices: Arc<dyn DeviceTokens>,
        limits: GuessLimits,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdGenerator>,
    ) -> Self {
        Self { ledger, keys, devices, limits, clock, ids }
    }

    /// Reserves one guess; `None` when there may be none now. A known device has guesses of its own, and shares those
    /// of everybody when they are used up.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn reserve(&self, target: &GuessTarget<'_>) -> Result<Option<ReservedGuess>, StorageError> {
        let now = self.clock.now();
        let rule = self.limits.of_subject();
        if let Some(label) = target.device_label() {
            let bucket = Bucket { key: self.keys.key(&label), rule };
            if let Some(guess) = self.reserve_in(bucket, None, now).await? {
                return Ok(Some(guess));
            }
        }
        let bucket = Bucket { key: self.keys.key(&target.subject_label()), rule };
        let address = target.address_label().zip(self.limits.of_address());
        let address = address.map(|(label, rule)| Bucket { key: self.keys.key(&label), rule });
        self.reserve_in(bucket, address, now).await
    }

    async fn reserve_in(
        &self,
        bucket: Bucket,
        address: Option<Bucket>,
        now: DateTime<Utc>,
    ) -> Result<Option<ReservedGuess>, StorageError> {
        // The address comes first everywhere, so that no two transactions wait for each other.
        let buckets: Vec<Bucket> = address.into_iter().chain([bucket]).collect();
        let counts = self.ledger.reserve(&buckets, now).await?;
        let guess = |guesses| ReservedGuess { key: bucket.key, guesses, address: address.map(|bucket| bucket.key) };
        Ok(counts.and_then(|counts| counts.last().copied()).map(guess))
    }

    /// The guess was wrong: the next one has to wait.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn wrong(&self, guess: ReservedGuess) -> Result<(), StorageError> {
        let next = self.clock.now() + self.limits.wait_after(guess.guesses);
        self.ledger.settle(&[Settlement::Wrong(guess.key, next)]).await
    }

    /// The guess was right: those before it are forgotten, but for those from its address at others.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn right(&self, guess: ReservedGuess) -> Result<(), StorageError> {
        self.settle(guess.address, Settlement::Right(guess.key)).await
    }

    /// The guess was not made after all.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn unused(&self, guess: ReservedGuess) -> Result<(), StorageError> {
        self.settle(guess.address, Settlement::Unused(guess.key)).await
    }

    async fn settle(&self, address: Option<BucketKey>, settlement: Settlement) -> Result<(), StorageError> {
        let settlements: Vec<_> = address.map(Settlement::Unused).into_iter().chain([settlement]).collect();
        self.ledger.settle(&settlements).await
    }

    /// Forgets all guesses at the account, as when its password was reset.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn clear(&self, user_id: UserId) -> Result<(), StorageError> {
        let subject = GuessSubject::Account(user_id);
        let labels = GuessKind::ALL.iter().map(|kind| GuessTarget::at(*kind, subject).subject_label());
        let settlements: Vec<_> = labels.map(|label| Settlement::Right(self.keys.key(&label))).collect();
        self.ledger.settle(&settlements).await
    }

    /// The device that `token` marks, if it is one of ours and not forgotten yet.
    #[must_use]
    pub fn known_device(&self, token: &str) -> Option<DeviceClaims> {
        self.devices.verify(token, self.clock.now())
    }

    /// A token that marks the device from which the user has just signed in: the one it is known as, or a new one.
    #[must_use]
    pub fn mark_device(&self, user_id: UserId, known: Option<DeviceId>) -> String {
        let device_id = known.unwrap_or_else(|| DeviceId::generate(&*self.ids));
        let expires_at = self.clock.now() + self.limits.device_lifetime;
        self.devices.issue(&DeviceClaims { user_id, device_id, expires_at })
    }
}
