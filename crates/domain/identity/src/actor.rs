use tenantry_kernel::{OrganizationId, UserId};

use crate::{AccessClaims, SessionId};

/// Who acts. Only this crate makes one, after the proof that belongs to it.
///
/// ```compile_fail
/// // There is no way to make one from an id alone.
/// let actor = tenantry_identity::Actor { kind: todo!() };
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Actor {
    kind: ActorKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ActorKind {
    User(UserId),
    System,
}

impl Actor {
    pub(crate) fn user(id: UserId) -> Self {
        Self { kind: ActorKind::User(id) }
    }

    /// The service itself: background work that no person asked for.
    #[must_use]
    pub fn system() -> Self {
        Self { kind: ActorKind::System }
    }

    /// A user whom an embedding service has authenticated by its own means.
    ///
    /// Tenantry itself never calls this; it is for services that use a domain crate without this one's sign-in.
    #[must_use]
    pub fn host(id: UserId) -> Self {
        Self::user(id)
    }

    /// The user who acts, unless it is the service itself.
    #[must_use]
    pub fn user_id(&self) -> Option<UserId> {
        match self.kind {
            ActorKind::User(id) => Some(id),
            ActorKind::System => None,
        }
    }
}

/// The bearer of a verified, live access token.
#[derive(Debug, Clone)]
pub struct Principal {
    claims: AccessClaims,
}

impl Principal {
    pub(crate) fn new(claims: AccessClaims) -> Self {
        Self { claims }
    }

    /// Who acts.
    #[must_use]
    pub fn actor(&self) -> Actor {
        Actor::user(self.claims.user_id)
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
