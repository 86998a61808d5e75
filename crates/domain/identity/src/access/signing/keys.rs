use std::sync::Arc;

use chrono::{DateTime, Utc};
use tenantry_kernel::{Clock, IdGenerator, StorageError};

use super::change::{Plan, in_state, published_long};
use super::{KeyId, SigningKey, SigningKeyChanges, SigningKeyRules, SigningKeyState};
use crate::ports::{SigningKeyForge, SigningKeyStore};
use crate::{Actor, AuditAction, AuditEntry};

/// How often a change is tried that others get in the way of.
const TRIES: usize = 5;

/// Why the keys are not as they should be.
#[derive(Debug, thiserror::Error)]
pub enum SigningKeyError {
    /// The key can't be read: it was encrypted under a secret that this process doesn't have.
    #[error(
        "the signing key {0} was encrypted under another secret: name that one in SECRET_KEY_PREVIOUS, or give the \
         key up with `tenantry keys revoke`"
    )]
    Unreadable(KeyId),
    /// There is no such key.
    #[error("there is no signing key {0}")]
    NotFound(KeyId),
    /// The next key was not published long enough: others might not know it yet.
    #[error("the next key can't sign before {0}: until then others may not know it")]
    TooEarly(DateTime<Utc>),
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// The life of signing keys: each is published, signs, verifies what it signed, and goes.
///
/// Any number of processes may call any of this at the same time.
pub struct SigningKeys {
    store: Arc<dyn SigningKeyStore>,
    forge: Arc<dyn SigningKeyForge>,
    rules: SigningKeyRules,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdGenerator>,
}

impl SigningKeys {
    const CREATE: AuditAction = AuditAction::of("signing_key.create");
    const ROTATE: AuditAction = AuditAction::of("signing_key.rotate");
    const REMOVE: AuditAction = AuditAction::of("signing_key.remove");
    const REVOKE: AuditAction = AuditAction::of("signing_key.revoke");

    /// The use cases over these ports.
    #[must_use]
    pub fn new(
        store: Arc<dyn SigningKeyStore>,
        forge: Arc<dyn SigningKeyForge>,
        rules: SigningKeyRules,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdGenerator>,
    ) -> Self {
        Self { store, forge, rules, clock, ids }
    }

    /// All keys, the oldest first.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn list(&self) -> Result<Vec<SigningKey>, StorageError> {
        self.store.list().await
    }

    /// Does what is due: the first keys, a rotation, the removal of a retired key, a new encryption after the secret was
    /// replaced. Call it at the start and once a minute.
    ///
    /// # Errors
    /// `Unreadable` for a key that signs or is to sign; `Storage`.
    pub async fn maintain(&self) -> Result<(), SigningKeyError> {
        self.change(Self::REMOVE, |keys, now| {
            let future = keys.iter().filter(|key| key.state != SigningKeyState::Retired);
            if let Some(key) = future.into_iter().find(|key| !self.forge.can_open(key)) {
                return Err(SigningKeyError::Unreadable(key.id.clone()));
            }
            Ok(Plan::due(keys, &self.rules, now))
        })
        .await
    }

    /// Lets the next key sign from now on.
    ///
    /// # Errors
    /// `TooEarly`, `Storage`.
    pub async fn rotate(&self) -> Result<(), SigningKeyError> {
        self.maintain().await?;
        self.change(Self::REMOVE, |keys, now| {
            let pair = in_state(keys, SigningKeyState::Active).zip(in_state(keys, SigningKeyState::Next));
            match pair {
                Some((active, next)) if published_long(next, now) => Ok(Plan::rotation(active, next)),
                Some((_, next)) => Err(SigningKeyError::TooEarly(next.created_at + SigningKeyRules::PUBLISHED_FOR)),
                None => Ok(Plan::default()),
            }
        })
        .await
    }

    /// Takes a key away at once, and with it every token that it signed. Where it was the active one, the next key signs
    /// from now on, though others may not know it for some minutes.
    ///
    /// # Errors
    /// `NotFound`, `Storage`.
    pub async fn revoke(&self, id: &KeyId) -> Result<(), SigningKeyError> {
        self.change(Self::REVOKE, |keys, _| {
            let key = keys.iter().find(|key| key.id == *id);
            let key = key.ok_or_else(|| SigningKeyError::NotFound(id.clone()))?;
            Ok(Plan::revocation(keys, key, |next| self.forge.can_open(next)))
        })
        .await
    }

    /// Plans on what there is, until nobody else has changed it meanwhile. `removal` is what the audit log calls it when
    /// a key goes.
    async fn change(
        &self,
        removal: AuditAction,
        plan: impl Fn(&[SigningKey], DateTime<Utc>) -> Result<Plan, SigningKeyError> + Send,
    ) -> Result<(), SigningKeyError> {
        for _ in 0..TRIES {
            let keys = self.store.list().await?;
            let now = self.clock.now();
            let plan = plan(&keys, now)?;
            let kept = keys.iter().filter(|key| !plan.removed.contains(&key.id));
            let resealed: Vec<_> = kept.filter_map(|key| self.forge.reseal(key)).collect();
            if plan.is_empty() && resealed.is_empty() {
                return Ok(());
            }
            let changes = self.changes(plan, resealed, now);
            if self.store.apply(&changes, &self.entries(&changes, &removal)).await? {
                return Ok(());
            }
        }
        Err(StorageError::Serialization("the signing keys kept changing".into()).into())
    }

    fn changes(&self, plan: Plan, resealed: Vec<SigningKey>, now: DateTime<Utc>) -> SigningKeyChanges {
        let make = |state| self.forge.generate().starting(state, now);
        let inserted = plan.missing.into_iter().map(make).collect();
        let Plan { removed, retired, activated, .. } = plan;
        SigningKeyChanges { at: now, removed, retired, activated, resealed, inserted }
    }

    fn entries(&self, changes: &SigningKeyChanges, removal: &AuditAction) -> Vec<AuditEntry> {
        let entry = |action: &AuditAction, id: &KeyId| {
            AuditEntry::success(&*self.ids, changes.at, &Actor::system(), action.clone()).with("kid", id.as_str())
        };
        let removed = changes.removed.iter().map(|id| entry(removal, id));
        let activated = changes.activated.iter().map(|id| entry(&Self::ROTATE, id));
        let inserted = changes.inserted.iter().map(|key| entry(&Self::CREATE, &key.id));
        removed.chain(activated).chain(inserted).collect()
    }
}
