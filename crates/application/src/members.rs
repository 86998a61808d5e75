use std::sync::Arc;

use tenantry_identity::User;
use tenantry_kernel::{Clock, Store, UserId};
use tenantry_tenancy::{Membership, Permission, Role, TenancyError, TenantContext};

use crate::ports::MembersTransaction;

/// The users of an organisation.
pub struct Members {
    store: Arc<dyn Store<TenantContext, dyn MembersTransaction>>,
    clock: Arc<dyn Clock>,
}

impl Members {
    /// The use cases over these ports.
    #[must_use]
    pub fn new(store: Arc<dyn Store<TenantContext, dyn MembersTransaction>>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock }
    }

    /// Makes a user, who has agreed to it, a member of the context's organisation.
    ///
    /// # Errors
    /// [`TenancyError::Forbidden`] without the right to manage members, or for a role above one's own;
    /// [`TenancyError::AlreadyMember`].
    pub async fn add(&self, context: &TenantContext, user_id: UserId, role: Role) -> Result<Membership, TenancyError> {
        context.require(if role == Role::Owner { Permission::ManageOwners } else { Permission::ManageMembers })?;
        let now = self.clock.now();
        let membership = Membership::joining(context.organization_id(), user_id, role, now);
        let mut transaction = self.store.begin(context).await?;
        if transaction.memberships().find(user_id).await?.is_some() {
            return Err(TenancyError::AlreadyMember);
        }
        transaction.memberships().insert(&membership).await?;
        transaction.commit().await?;
        Ok(membership)
    }

    /// A user of the context's organisation. People always find themselves.
    ///
    /// # Errors
    /// [`TenancyError::Forbidden`] for a guest who asks for another; [`TenancyError::NotFound`].
    pub async fn find(&self, context: &TenantContext, id: UserId) -> Result<(User, Membership), TenancyError> {
        if context.actor().user_id() != Some(id) {
            context.require(Permission::ReadMembers)?;
        }
        let mut transaction = self.store.read(context).await?;
        let membership = transaction.memberships().find(id).await?.ok_or(TenancyError::NotFound)?;
        let user = transaction.users().find(id).await?.filter(|user| user.deleted_at.is_none());
        Ok((user.ok_or(TenancyError::NotFound)?, membership))
    }
}
