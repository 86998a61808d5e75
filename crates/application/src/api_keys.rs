use std::sync::Arc;

use chrono::{DateTime, Utc};
use tenantry_identity::{
    ApiKey, ApiKeyGate, ApiKeyId, ApiKeyName, ApiKeyScopes, ApiKeySecret, AuditAction, AuditTarget,
    ports::{ApiKeySecrets, ApiKeyTransaction},
};
use tenantry_kernel::{Clock, IdGenerator, StorageError, Store};
use tenantry_tenancy::{TenancyError, TenantContext};

/// What somebody gives to get an API key.
#[derive(Debug, Clone)]
pub struct NewApiKey {
    /// What it is for.
    pub name: ApiKeyName,
    /// What it may do, as far as its owner may.
    pub scopes: ApiKeyScopes,
    /// When it ends, if ever.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Why there is no such API key.
#[derive(Debug, thiserror::Error)]
pub enum ApiKeyError {
    /// It would have ended already.
    #[error("must be in the future")]
    ExpiresInThePast,
    /// Its owner has as many as one may have.
    #[error("there are {} API keys already", ApiKeys::MOST)]
    TooMany,
    /// There is no such key, or it is somebody else's.
    #[error("there is no such API key")]
    NotFound,
    /// Only people have keys.
    #[error(transparent)]
    Tenancy(#[from] TenancyError),
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// One's own API keys, each for the organisation where it was made.
pub struct ApiKeys {
    store: Arc<dyn Store<TenantContext, dyn ApiKeyTransaction>>,
    secrets: Arc<dyn ApiKeySecrets>,
    gate: Arc<ApiKeyGate>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdGenerator>,
}

impl ApiKeys {
    /// The most keys that somebody may have in an organisation.
    pub const MOST: usize = 100;

    const CREATE: AuditAction = AuditAction::of("api_key.create");
    const DELETE: AuditAction = AuditAction::of("api_key.delete");

    /// The use cases over these ports.
    #[must_use]
    pub fn new(
        store: Arc<dyn Store<TenantContext, dyn ApiKeyTransaction>>,
        secrets: Arc<dyn ApiKeySecrets>,
        gate: Arc<ApiKeyGate>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdGenerator>,
    ) -> Self {
        Self { store, secrets, gate, clock, ids }
    }

    /// Makes a key that acts as the context's user in its organisation. Its text is in the answer and nowhere else.
    ///
    /// # Errors
    /// `ExpiresInThePast`, `TooMany`.
    pub async fn create(&self, context: &TenantContext, new: NewApiKey) -> Result<(ApiKey, ApiKeySecret), ApiKeyError> {
        let now = self.clock.now();
        if new.expires_at.is_some_and(|end| end <= now) {
            return Err(ApiKeyError::ExpiresInThePast);
        }
        let made = self.secrets.generate();
        let key = ApiKey {
            id: ApiKeyId::generate(&*self.ids),
            organization_id: context.organization_id(),
            user_id: context.user_id()?,
            name: new.name,
            prefix: made.prefix,
            scopes: new.scopes,
            created_at: now,
            expires_at: new.expires_at,
            last_used_at: None,
        };
        let mut transaction = self.store.begin(context).await?;
        if transaction.api_keys().list().await?.len() >= Self::MOST {
            return Err(ApiKeyError::TooMany);
        }
        transaction.api_keys().insert(&key, &made.digest).await?;
        let entry = context.audit_entry(&*self.ids, now, Self::CREATE).about(AuditTarget::one("api_key", key.id));
        transaction.audit().append(&entry.with("scopes", key.scopes.names())).await?;
        transaction.commit().await?;
        Ok((key, made.secret))
    }

    /// The keys of the context's user in its organisation, the newest first.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn list(&self, context: &TenantContext) -> Result<Vec<ApiKey>, StorageError> {
        self.store.read(context).await?.api_keys().list().await
    }

    /// Deletes a key of the context's user. It is dead at once in this process, and within a second in others.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn delete(&self, context: &TenantContext, id: ApiKeyId) -> Result<(), ApiKeyError> {
        let mut transaction = self.store.begin(context).await?;
        if !transaction.api_keys().delete(id).await? {
            return Err(ApiKeyError::NotFound);
        }
        let entry = context.audit_entry(&*self.ids, self.clock.now(), Self::DELETE);
        transaction.audit().append(&entry.about(AuditTarget::one("api_key", id))).await?;
        transaction.commit().await?;
        self.gate.forget(id);
        Ok(())
    }
}
