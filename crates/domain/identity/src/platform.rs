use tenantry_kernel::UserId;

use crate::{Actor, Principal, User};

/// That the platform itself acts, across all organisations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlatformContext {
    actor: Actor,
}

impl PlatformContext {
    /// A job, or a command that no person asked for over the network.
    #[must_use]
    pub fn system() -> Self {
        Self { actor: Actor::system() }
    }

    /// Somebody who has signed in, and whose account, as it is stored now, administers the platform.
    #[must_use]
    pub fn administer(principal: &Principal, account: &User) -> Option<Self> {
        let is_own = account.id == principal.user_id();
        let may = account.is_platform_admin && account.is_active && account.deleted_at.is_none();
        (is_own && may).then(|| Self { actor: principal.administrator() })
    }

    /// A user for whom a job is done that they asked for. What they may do by then is found out anew.
    #[must_use]
    pub fn act_for(&self, user_id: UserId) -> Actor {
        Actor::user(user_id)
    }

    /// Who acts.
    #[must_use]
    pub fn actor(&self) -> &Actor {
        &self.actor
    }
}
