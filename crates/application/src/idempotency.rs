use std::{fmt, sync::Arc};

use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};
use tenantry_identity::Actor;
use tenantry_kernel::{Clock, IdGenerator, StorageError, Store, UserId};
use uuid::Uuid;

use crate::ports::{IdempotencyTransaction, Sealer};

/// What a client calls a request that it may send again: 1 to 255 visible ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(String);

/// A text is not an idempotency key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must have 1 to 255 visible ASCII characters")]
pub struct IdempotencyKeyError;

impl IdempotencyKey {
    /// Takes `raw` as it is.
    ///
    /// # Errors
    /// [`IdempotencyKeyError`].
    pub fn parse(raw: &str) -> Result<Self, IdempotencyKeyError> {
        let is_key = (1..=255).contains(&raw.len()) && raw.bytes().all(|byte| byte.is_ascii_graphic());
        if is_key { Ok(Self(raw.to_owned())) } else { Err(IdempotencyKeyError) }
    }

    /// The key as it was stored.
    #[must_use]
    pub fn from_stored(key: String) -> Self {
        Self(key)
    }

    /// The key as it is kept for this actor: those of an API key are its own. A client's key has no space.
    fn of(self, actor: &Actor) -> Self {
        match actor.api_key_id() {
            Some(id) => Self(format!("{id} {}", self.0)),
            None => self,
        }
    }

    /// The key.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for IdempotencyKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// An idempotent request as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRequest {
    /// Who sent it.
    pub user_id: UserId,
    /// What they call it.
    pub key: IdempotencyKey,
    /// A digest of what was asked, so that the same key for something else is noticed.
    pub fingerprint: String,
    /// The identifier of what it makes, the same however often it is tried.
    pub resource_id: Uuid,
    /// Until when one try may go on before it counts as lost.
    pub locked_until: DateTime<Utc>,
    /// The answer, encrypted; none while the request is running.
    pub sealed_answer: Option<Vec<u8>>,
    /// When it was first sent.
    pub created_at: DateTime<Utc>,
    /// When it is forgotten.
    pub expires_at: DateTime<Utc>,
}

/// An HTTP answer, kept to be given again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredAnswer {
    /// The status code.
    pub status: u16,
    /// The headers that belong to the resource.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// The right to carry out a request under a key.
#[derive(Debug)]
pub struct IdempotencyClaim {
    request: StoredRequest,
}

impl IdempotencyClaim {
    /// The identifier to give to what the request makes.
    #[must_use]
    pub fn resource_id(&self) -> Uuid {
        self.request.resource_id
    }
}

/// What to do with a request.
#[derive(Debug)]
pub enum Reservation {
    /// Carry it out.
    Fresh(IdempotencyClaim),
    /// Give this answer: it was carried out before.
    Replay(StoredAnswer),
    /// Refuse it: it is being carried out.
    InProgress,
    /// Refuse it: the key was used for something else.
    KeyReused,
}

/// Sees to it that a request that is sent twice is done once.
pub struct IdempotentRequests {
    store: Arc<dyn Store<Actor, dyn IdempotencyTransaction>>,
    sealer: Arc<dyn Sealer>,
    kept_for: Duration,
    tried_for: Duration,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdGenerator>,
}

impl IdempotentRequests {
    /// Keeps answers for `kept_for`; a try that has no answer after `tried_for` counts as lost.
    #[must_use]
    pub fn new(
        store: Arc<dyn Store<Actor, dyn IdempotencyTransaction>>,
        sealer: Arc<dyn Sealer>,
        kept_for: Duration,
        tried_for: Duration,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdGenerator>,
    ) -> Self {
        Self { store, sealer, kept_for, tried_for, clock, ids }
    }

    /// Asks what to do with the actor's request `key`, which asks for what `fingerprint` stands for.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn reserve(
        &self,
        actor: &Actor,
        user_id: UserId,
        key: IdempotencyKey,
        fingerprint: String,
    ) -> Result<Reservation, StorageError> {
        let key = key.of(actor);
        let now = self.clock.now();
        let mut transaction = self.store.begin(actor).await?;
        let reservation = match transaction.requests().find(&key).await? {
            Some(known) if now < known.expires_at => {
                let reservation = self.judge(known, &fingerprint, now);
                if let Reservation::Fresh(lost) = &reservation {
                    transaction.requests().update(&lost.request).await?;
                }
                reservation
            }
            expired => {
                if expired.is_some() {
                    transaction.requests().delete(&key).await?;
                }
                let claim = self.claim(user_id, key, fingerprint, now);
                let is_first = transaction.requests().insert(&claim.request).await?;
                if is_first { Reservation::Fresh(claim) } else { Reservation::InProgress }
            }
        };
        transaction.commit().await?;
        Ok(reservation)
    }

    /// The identifier of what the actor's request `key` makes, the same however often it is asked for; none if the key was
    /// used for something else. For requests that may be carried out by several at once, since what they make has only
    /// one of that identifier, and that keep no answer.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn name(
        &self,
        actor: &Actor,
        user_id: UserId,
        key: IdempotencyKey,
        fingerprint: String,
    ) -> Result<Option<Uuid>, StorageError> {
        let (key, now) = (key.of(actor), self.clock.now());
        let mut transaction = self.store.begin(actor).await?;
        let mut known = transaction.requests().find(&key).await?;
        if known.as_ref().is_some_and(|known| known.expires_at <= now) {
            transaction.requests().delete(&key).await?;
            known = None;
        }
        if known.is_none() {
            let first = StoredRequest {
                locked_until: now,
                ..self.claim(user_id, key.clone(), fingerprint.clone(), now).request
            };
            known = if transaction.requests().insert(&first).await? {
                Some(first)
            } else {
                // Somebody else was faster.
                transaction.requests().find(&key).await?
            };
        }
        transaction.commit().await?;
        Ok(known.filter(|known| known.fingerprint == fingerprint).map(|known| known.resource_id))
    }

    fn claim(&self, user_id: UserId, key: IdempotencyKey, fingerprint: String, now: DateTime<Utc>) -> IdempotencyClaim {
        IdempotencyClaim {
            request: StoredRequest {
                user_id,
                key,
                fingerprint,
                resource_id: self.ids.next_id(),
                locked_until: now + self.tried_for,
                sealed_answer: None,
                created_at: now,
                expires_at: now + self.kept_for,
            },
        }
    }

    fn judge(&self, request: StoredRequest, fingerprint: &str, now: DateTime<Utc>) -> Reservation {
        if request.fingerprint != fingerprint {
            return Reservation::KeyReused;
        }
        let answer = request.sealed_answer.as_deref().and_then(|sealed| self.open(&request, sealed));
        match answer {
            Some(answer) => Reservation::Replay(answer),
            None if request.sealed_answer.is_none() && now < request.locked_until => Reservation::InProgress,
            // The try was lost, or its answer can't be read since the secret changed: try again under the same id.
            None => Reservation::Fresh(IdempotencyClaim {
                request: StoredRequest { locked_until: now + self.tried_for, sealed_answer: None, ..request },
            }),
        }
    }

    fn open(&self, request: &StoredRequest, sealed: &[u8]) -> Option<StoredAnswer> {
        let plain = self.sealer.open(sealed, &seal_context(request))?;
        serde_json::from_slice(&plain).ok()
    }

    /// Keeps the answer of a request that was carried out.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn complete(
        &self,
        actor: &Actor,
        claim: IdempotencyClaim,
        answer: &StoredAnswer,
    ) -> Result<(), StorageError> {
        let plain = serde_json::to_vec(answer).map_err(|error| StorageError::Internal(Box::new(error)))?;
        let sealed = self.sealer.seal(&plain, &seal_context(&claim.request));
        let mut transaction = self.store.begin(actor).await?;
        let request = StoredRequest { sealed_answer: Some(sealed), ..claim.request };
        transaction.requests().update(&request).await?;
        transaction.commit().await
    }

    /// Lets a request be tried again at once, of which it is unknown whether it was carried out. It keeps the identifier
    /// of what it makes, so that trying again makes nothing twice.
    ///
    /// # Errors
    /// [`StorageError`]; the request can be tried again later then.
    pub async fn give_up(&self, actor: &Actor, claim: IdempotencyClaim) -> Result<(), StorageError> {
        let mut transaction = self.store.begin(actor).await?;
        let request = StoredRequest { locked_until: self.clock.now(), ..claim.request };
        transaction.requests().update(&request).await?;
        transaction.commit().await
    }

    /// Forgets a request that was refused, so that it can be sent again.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn release(&self, actor: &Actor, claim: &IdempotencyClaim) -> Result<(), StorageError> {
        let mut transaction = self.store.begin(actor).await?;
        transaction.requests().delete(&claim.request.key).await?;
        transaction.commit().await
    }
}

/// Binds a sealed answer to its request.
fn seal_context(request: &StoredRequest) -> Vec<u8> {
    [request.user_id.as_uuid().as_bytes(), request.fingerprint.as_bytes(), request.key.as_str().as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_visible_ascii() {
        assert!(IdempotencyKey::parse("order-42/try_1").is_ok());
        for raw in ["", "a b", "é", "a\n", &"x".repeat(256)] {
            assert_eq!(IdempotencyKey::parse(raw), Err(IdempotencyKeyError), "{raw:?}");
        }
    }
}
