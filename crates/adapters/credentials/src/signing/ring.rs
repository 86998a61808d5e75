use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, DecodingKey};
use tenantry_identity::ports::{PublishedKeys, SigningKeyStore};
use tenantry_identity::{AccessTokenError, KeyId, PublishedKey, SigningKey, SigningKeyState};
use tenantry_kernel::StorageError;
use tokio::sync::Mutex;

use super::ed25519::{Public, Seed};
use super::forge::SealedSigningKeys;
use crate::random::random_bytes;
use crate::token_keys::{SigningPart, TokenKeys};

/// How long the keys in memory are believed without having been read again: one that was revoked may be among them.
const MAX_AGE: Duration = Duration::from_secs(5);

/// The least time between two times that keys are read because a token names an unknown one.
const LOOK_UP_PAUSE: Duration = Duration::from_secs(1);

/// The Ed25519 keys of access tokens, in memory. Call [`KeyRing::refresh`] every half second.
///
/// A token of an unknown key makes it look for new ones, at most once a second. Keys that could not be read for five
/// seconds are not believed: they are read then, and where that fails the token can't be judged.
pub struct KeyRing {
    store: Arc<dyn SigningKeyStore>,
    forge: SealedSigningKeys,
    known: RwLock<Known>,
    looking: Mutex<Looking>,
}

struct Known {
    signing: Arc<SigningPart>,
    verifying: Vec<Verifying>,
    /// When they began to be read.
    read_at: Option<Instant>,
}

#[derive(Clone)]
struct Verifying {
    id: KeyId,
    public: Public,
    key: Arc<DecodingKey>,
}

#[derive(Default)]
struct Looking {
    last: Option<Attempt>,
    /// When a token of an unknown key last made it look.
    asked_at: Option<Instant>,
}

/// The last time that keys were read.
#[derive(Clone, Copy)]
struct Attempt {
    ended: Instant,
    succeeded: bool,
}

impl KeyRing {
    /// A ring without any key, until it is refreshed.
    #[must_use]
    pub fn new(store: Arc<dyn SigningKeyStore>, forge: SealedSigningKeys) -> Self {
        // What a ring without a key signs with: a key that nobody knows.
        let nobodys = Seed::new(random_bytes());
        let signing = SigningPart { id: nobodys.public().id().as_str().to_owned(), key: nobodys.encoding_key() };
        let known = Known { signing: Arc::new(signing), verifying: Vec::new(), read_at: None };
        Self { store, forge, known: RwLock::new(known), looking: Mutex::default() }
    }

    /// Reads all keys.
    ///
    /// # Errors
    /// [`StorageError`]; the keys grow old then, and soon count as unknown.
    pub async fn refresh(&self) -> Result<(), StorageError> {
        // One at a time, so that an older answer can't replace a newer one.
        let mut looking = self.looking.lock().await;
        self.read_all(&mut looking).await
    }

    async fn read_all(&self, looking: &mut Looking) -> Result<(), StorageError> {
        let begun = Instant::now();
        let outcome = self.store.list().await;
        looking.last = Some(Attempt { ended: Instant::now(), succeeded: outcome.is_ok() });
        self.take_over(&outcome?, begun);
        Ok(())
    }

    /// Keys that can't be opened, since another process has another secret, are kept as they were known before.
    fn take_over(&self, keys: &[SigningKey], read_at: Instant) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let verifying = keys.iter().filter_map(|key| known.find(&key.id).or_else(|| self.open(key))).collect();
        let active = keys.iter().find(|key| key.state == SigningKeyState::Active);
        if let Some(active) = active.filter(|active| active.id.as_str() != known.signing.id) {
            if let Some(key) = self.forge.encoding_key(active) {
                known.signing = Arc::new(SigningPart { id: active.id.as_str().to_owned(), key });
            } else {
                tracing::error!(kid = active.id.as_str(), "the active signing key is of another secret");
            }
        }
        known.verifying = verifying;
        known.read_at = Some(read_at);
    }

    fn open(&self, key: &SigningKey) -> Option<Verifying> {
        let public = self.forge.public(key)?;
        Some(Verifying { id: key.id.clone(), public, key: Arc::new(public.decoding_key()) })
    }

    /// The key, and whether there is nothing newer to be expected.
    fn find(&self, id: &KeyId) -> (Option<Arc<DecodingKey>>, bool) {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let is_fresh = known.read_at.is_some_and(|read_at| read_at.elapsed() < MAX_AGE);
        (known.find(id).map(|found| found.key), is_fresh)
    }

    /// Reads the keys because of an unknown one, or because what is known is old. Those who come while somebody reads
    /// share the outcome.
    async fn look_up(&self, is_fresh: bool) -> Result<(), AccessTokenError> {
        let come = Instant::now();
        let mut looking = self.looking.lock().await;
        match looking.last {
            Some(last) if last.ended >= come && last.succeeded => return Ok(()),
            Some(last) if last.ended >= come => return Err(AccessTokenError::KeysUnavailable),
            _ => {}
        }
        if is_fresh {
            if looking.asked_at.is_some_and(|asked_at| asked_at.elapsed() < LOOK_UP_PAUSE) {
                return Ok(());
            }
            looking.asked_at = Some(come);
        }
        self.read_all(&mut looking).await.map_err(|error| {
            tracing::warn!(%error, "the keys of access tokens can't be read");
            AccessTokenError::KeysUnavailable
        })
    }
}

impl Known {
    fn find(&self, id: &KeyId) -> Option<Verifying> {
        self.verifying.iter().find(|known| known.id == *id).cloned()
    }
}

#[async_trait]
impl TokenKeys for KeyRing {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDSA
    }

    fn signing(&self, _now: DateTime<Utc>) -> Arc<SigningPart> {
        Arc::clone(&self.known.read().unwrap_or_else(PoisonError::into_inner).signing)
    }

    async fn verifying(&self, id: &str) -> Result<Arc<DecodingKey>, AccessTokenError> {
        let id = KeyId::new(id);
        match self.find(&id) {
            (Some(key), true) => Ok(key),
            (_, is_fresh) => {
                self.look_up(is_fresh).await?;
                self.find(&id).0.ok_or(AccessTokenError::Invalid)
            }
        }
    }
}

impl PublishedKeys for KeyRing {
    fn published(&self) -> Vec<PublishedKey> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let publish = |known: &Verifying| PublishedKey { id: known.id.clone(), x: known.public.x() };
        known.verifying.iter().map(publish).collect()
    }
}

#[cfg(test)]
mod tests;
