use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use tenantry_kernel::{OrganizationId, UserId, text_value, typed_id};

use super::ApiKeyScopes;
use crate::{Actor, Client};

typed_id! {
    /// Names an API key.
    ApiKeyId
}

text_value! {
    /// What an API key is for, 1 to 255 characters.
    ApiKeyName, 1..=255
}

/// A key that a program acts with, as its owner, in the organisation where it was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Names it.
    pub id: ApiKeyId,
    /// Where it acts.
    pub organization_id: OrganizationId,
    /// As whom.
    pub user_id: UserId,
    /// What for.
    pub name: ApiKeyName,
    /// How its text begins, to be recognised by.
    pub prefix: String,
    /// What it may do.
    pub scopes: ApiKeyScopes,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it ends, if ever.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was last used, to a minute.
    pub last_used_at: Option<DateTime<Utc>>,
}

/// The text of an API key, shown once to whoever made it.
#[derive(Clone)]
pub struct ApiKeySecret(String);

impl ApiKeySecret {
    /// The key of this text.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ApiKeySecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ApiKeySecret(redacted)")
    }
}

/// The SHA-256 of a key's text, by which it is stored and found. The text is random, so the hash needs no salt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ApiKeyDigest(pub [u8; 32]);

/// The text of a key that was just made, and what is stored of it.
#[derive(Debug, Clone)]
pub struct NewApiKeySecret {
    /// The text.
    pub secret: ApiKeySecret,
    /// How it begins.
    pub prefix: String,
    /// What stands for it.
    pub digest: ApiKeyDigest,
}

/// An API key whose owner may act at present, as the look-up found it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownApiKey {
    /// Names it.
    pub id: ApiKeyId,
    /// Where it acts.
    pub organization_id: OrganizationId,
    /// As whom.
    pub user_id: UserId,
    /// The owner's role there; tenancy knows what it means.
    pub role: String,
    /// What it may do.
    pub scopes: ApiKeyScopes,
    /// When it ends.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was last used, as far as it is stored.
    pub last_used_at: Option<DateTime<Utc>>,
    /// The account's epoch then.
    pub user_epoch: i64,
    /// The membership's epoch then.
    pub membership_epoch: i64,
}

/// That a key was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ApiKeyUse {
    /// Where it acts.
    pub organization_id: OrganizationId,
    /// Which key.
    pub id: ApiKeyId,
    /// When.
    pub at: DateTime<Utc>,
}

/// The bearer of a live API key.
#[derive(Debug, Clone)]
pub struct ApiKeyBearer {
    known: Arc<KnownApiKey>,
    client: Option<Arc<Client>>,
}

impl ApiKeyBearer {
    pub(super) fn new(known: Arc<KnownApiKey>) -> Self {
        Self { known, client: None }
    }

    /// The same bearer at this client.
    #[must_use]
    pub fn at(self, client: Arc<Client>) -> Self {
        Self { client: Some(client), ..self }
    }

    /// Who acts.
    #[must_use]
    pub fn actor(&self) -> Actor {
        let actor = Actor::api_key(self.known.id, self.known.user_id, self.known.organization_id);
        match &self.client {
            Some(client) => actor.at(client.clone()),
            None => actor,
        }
    }

    /// Which key.
    #[must_use]
    pub fn id(&self) -> ApiKeyId {
        self.known.id
    }

    /// As whom it acts.
    #[must_use]
    pub fn user_id(&self) -> UserId {
        self.known.user_id
    }

    /// Where it acts, and nowhere else.
    #[must_use]
    pub fn organization_id(&self) -> OrganizationId {
        self.known.organization_id
    }

    /// The owner's role there, as tenancy wrote it.
    #[must_use]
    pub fn role(&self) -> &str {
        &self.known.role
    }

    /// What it may do, as far as its owner may.
    #[must_use]
    pub fn scopes(&self) -> &ApiKeyScopes {
        &self.known.scopes
    }
}
