use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Duration, Utc};
use tenantry_kernel::{Clock, StorageError};

use super::{ApiKeyBearer, ApiKeyDigest, ApiKeyId, ApiKeyUse, KnownApiKey};
use crate::ports::{ApiKeyLookup, ApiKeySecrets, ApiKeyUses};
use crate::{AccessTokenError, AuthenticationError, RevocationList};

/// The most keys that are remembered.
const MOST: usize = 10_000;

/// Lets API keys in.
///
/// A key that was looked up is remembered for a second, unless its owner's account or membership has changed meanwhile,
/// which the list of revocations tells. So it dies at once in the process that ends it, and within a second elsewhere.
pub struct ApiKeyGate {
    lookup: Arc<dyn ApiKeyLookup>,
    uses: Arc<dyn ApiKeyUses>,
    secrets: Arc<dyn ApiKeySecrets>,
    revocations: Arc<RevocationList>,
    clock: Arc<dyn Clock>,
    remembered: Mutex<HashMap<ApiKeyDigest, Remembered>>,
    noted: Mutex<HashMap<ApiKeyId, ApiKeyUse>>,
}

struct Remembered {
    known: Arc<KnownApiKey>,
    until: DateTime<Utc>,
}

impl ApiKeyGate {
    /// How long a key is remembered.
    pub const MEMORY: Duration = Duration::seconds(1);
    /// How exactly the time of the last use is stored.
    const PRECISION: Duration = Duration::minutes(1);

    /// A gate over these ports.
    #[must_use]
    pub fn new(
        lookup: Arc<dyn ApiKeyLookup>,
        uses: Arc<dyn ApiKeyUses>,
        secrets: Arc<dyn ApiKeySecrets>,
        revocations: Arc<RevocationList>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { lookup, uses, secrets, revocations, clock, remembered: Mutex::default(), noted: Mutex::default() }
    }

    /// Whether the text claims to be an API key.
    #[must_use]
    pub fn is_key(&self, text: &str) -> bool {
        self.secrets.is_key(text)
    }

    /// Checks a key. One that nobody has costs a look-up, like one that is not remembered.
    ///
    /// # Errors
    /// `Token` for an unknown key, an expired one, and one whose owner may not act; `Storage`.
    pub async fn admit(&self, text: &str) -> Result<ApiKeyBearer, AuthenticationError> {
        let invalid = AuthenticationError::Token(AccessTokenError::Invalid);
        let Some(digest) = self.secrets.digest(text) else { return Err(invalid) };
        let now = self.clock.now();
        let known = if let Some(known) = self.recall(&digest, now) {
            known
        } else {
            let Some(known) = self.lookup.find(&digest).await? else { return Err(invalid) };
            self.remember(digest, Arc::new(known), now)
        };
        if known.expires_at.is_some_and(|end| end <= now) {
            return Err(AuthenticationError::Token(AccessTokenError::Expired));
        }
        self.note_use(&known, now);
        Ok(ApiKeyBearer::new(known))
    }

    /// Forgets a key that was deleted here, or whose owner has changed.
    pub fn forget(&self, id: ApiKeyId) {
        lock(&self.remembered).retain(|_, remembered| remembered.known.id != id);
        lock(&self.noted).remove(&id);
    }

    /// Stores when keys were last used. Call it every few seconds.
    ///
    /// # Errors
    /// [`StorageError`]; those uses are forgotten then.
    pub async fn store_uses(&self) -> Result<(), StorageError> {
        let noted = std::mem::take(&mut *lock(&self.noted));
        if noted.is_empty() {
            return Ok(());
        }
        let uses: Vec<ApiKeyUse> = noted.into_values().collect();
        self.uses.store(&uses, Self::PRECISION).await
    }

    fn recall(&self, digest: &ApiKeyDigest, now: DateTime<Utc>) -> Option<Arc<KnownApiKey>> {
        let known = {
            let remembered = lock(&self.remembered);
            let found = remembered.get(digest).filter(|found| now < found.until)?;
            Arc::clone(&found.known)
        };
        self.revocations.vouches_for(&known, now).then_some(known)
    }

    fn remember(&self, digest: ApiKeyDigest, known: Arc<KnownApiKey>, now: DateTime<Utc>) -> Arc<KnownApiKey> {
        let mut remembered = lock(&self.remembered);
        if remembered.len() >= MOST {
            remembered.retain(|_, known| now < known.until);
        }
        if remembered.len() < MOST {
            remembered.insert(digest, Remembered { known: Arc::clone(&known), until: now + Self::MEMORY });
        }
        known
    }

    fn note_use(&self, known: &KnownApiKey, now: DateTime<Utc>) {
        if known.last_used_at.is_none_or(|last| last + Self::PRECISION <= now) {
            let noted = ApiKeyUse { organization_id: known.organization_id, id: known.id, at: now };
            lock(&self.noted).insert(known.id, noted);
        }
    }
}

// Nothing panics while holding a lock.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
