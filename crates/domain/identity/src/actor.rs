use std::sync::Arc;

use tenantry_kernel::{OrganizationId, UserId};
use uuid::Uuid;

use crate::{AccessClaims, ApiKeyId, Client, SessionId};

/// Who acts, and from where. Only this crate makes one, after the proof that belongs to it.
///
/// ```compile_fail
/// // There is no way to make one from an id alone.
/// let actor = tenantry_identity::Actor { kind: todo!() };
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    kind: ActorKind,
    client: Option<Arc<Client>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ActorKind {
    Anonymous,
    User(UserId),
    ApiKey { id: ApiKeyId, user_id: UserId, organization_id: OrganizationId },
    Administrator(UserId),
    System,
}

/// What kind of actor somebody is, as the audit log tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActorType {
    /// A person, perhaps one who is not known.
    User,
    /// An API key.
    ApiKey,
    /// An administrator of the platform.
    Platform,
    /// The service itself.
    System,
}

impl ActorType {
    const ALL: [Self; 4] = [Self::User, Self::ApiKey, Self::Platform, Self::System];

    /// The name that is stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::ApiKey => "api_key",
            Self::Platform => "platform",
            Self::System => "system",
        }
    }

    /// The type of this name.
    #[must_use]
    pub fn from_stored(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

impl Actor {
    pub(crate) fn user(id: UserId) -> Self {
        Self::of(ActorKind::User(id))
    }

    pub(crate) fn api_key(id: ApiKeyId, user_id: UserId, organization_id: OrganizationId) -> Self {
        Self::of(ActorKind::ApiKey { id, user_id, organization_id })
    }

    fn of(kind: ActorKind) -> Self {
        Self { kind, client: None }
    }

    /// Somebody who has proved nothing, and sees nothing that belongs to anyone.
    #[must_use]
    pub fn anonymous() -> Self {
        Self::of(ActorKind::Anonymous)
    }

    /// The service itself: background work and commands that no person asked for over the network.
    #[must_use]
    pub fn system() -> Self {
        Self::of(ActorKind::System)
    }

    /// A user whom an embedding service has authenticated by its own means.
    ///
    /// Tenantry itself never calls this; it is for services that use a domain crate without this one's sign-in.
    #[must_use]
    pub fn host(id: UserId) -> Self {
        Self::user(id)
    }

    /// The same actor at this client.
    #[must_use]
    pub fn at(self, client: Arc<Client>) -> Self {
        Self { client: Some(client), ..self }
    }

    /// Where the actor acts from, if it is known.
    #[must_use]
    pub fn client(&self) -> Option<&Client> {
        self.client.as_deref()
    }

    /// The user who acts, or for whom an API key does, unless it is the service itself or nobody known.
    #[must_use]
    pub fn user_id(&self) -> Option<UserId> {
        match self.kind {
            ActorKind::User(id) | ActorKind::ApiKey { user_id: id, .. } | ActorKind::Administrator(id) => Some(id),
            ActorKind::Anonymous | ActorKind::System => None,
        }
    }

    /// The API key that acts, if it is one.
    #[must_use]
    pub fn api_key_id(&self) -> Option<ApiKeyId> {
        match self.kind {
            ActorKind::ApiKey { id, .. } => Some(id),
            ActorKind::Anonymous | ActorKind::User(_) | ActorKind::Administrator(_) | ActorKind::System => None,
        }
    }

    /// Whether the actor may have to do with this organisation: an API key only with the one where it was made.
    #[must_use]
    pub fn may_enter(&self, organization_id: OrganizationId) -> bool {
        match self.kind {
            ActorKind::ApiKey { organization_id: own, .. } => own == organization_id,
            ActorKind::Anonymous | ActorKind::User(_) | ActorKind::Administrator(_) | ActorKind::System => true,
        }
    }

    /// What names the actor in the audit log.
    pub(crate) fn id(&self) -> Option<Uuid> {
        self.api_key_id().map(ApiKeyId::as_uuid).or_else(|| self.user_id().map(UserId::as_uuid))
    }

    /// What kind of actor it is.
    pub(crate) fn actor_type(&self) -> ActorType {
        match self.kind {
            ActorKind::Anonymous | ActorKind::User(_) => ActorType::User,
            ActorKind::ApiKey { .. } => ActorType::ApiKey,
            ActorKind::Administrator(_) => ActorType::Platform,
            ActorKind::System => ActorType::System,
        }
    }
}

/// The bearer of a verified, live access token.
#[derive(Debug, Clone)]
pub struct Principal {
    claims: AccessClaims,
    client: Option<Arc<Client>>,
}

impl Principal {
    pub(crate) fn new(claims: AccessClaims) -> Self {
        Self { claims, client: None }
    }

    /// The same bearer at this client.
    #[must_use]
    pub fn at(self, client: Arc<Client>) -> Self {
        Self { client: Some(client), ..self }
    }

    /// Who acts.
    #[must_use]
    pub fn actor(&self) -> Actor {
        Actor { client: self.client.clone(), ..Actor::user(self.claims.user_id) }
    }

    /// The same person, as an administrator of the platform.
    pub(crate) fn administrator(&self) -> Actor {
        Actor { client: self.client.clone(), ..Actor::of(ActorKind::Administrator(self.claims.user_id)) }
    }

    /// Whose token it is.
    #[must_use]
    pub fn user_id(&self) -> UserId {
        self.claims.user_id
    }

    /// The session that the token belongs to.
    #[must_use]
    pub fn session_id(&self) -> SessionId {
        self.claims.session_id
    }

    /// The organisation that the token names.
    #[must_use]
    pub fn organization_id(&self) -> OrganizationId {
        self.claims.organization_id
    }

    /// The role in that organisation, as tenancy wrote it.
    #[must_use]
    pub fn role(&self) -> &str {
        &self.claims.role
    }

    /// Whether the token was issued for a one-time password.
    #[must_use]
    pub fn password_change_due(&self) -> bool {
        self.claims.password_change_due
    }
}
