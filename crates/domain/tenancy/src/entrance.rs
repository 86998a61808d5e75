use std::sync::Arc;

use tenantry_identity::Actor;
use tenantry_kernel::{OrganizationId, Store};

use crate::{OwnMembership, TenancyError, TenantContext, ports::OwnMembershipsTransaction};

/// Lets people into the organisations that they belong to.
pub struct Entrance {
    store: Arc<dyn Store<Actor, dyn OwnMembershipsTransaction>>,
}

impl Entrance {
    /// An entrance that looks memberships up in `store`.
    #[must_use]
    pub fn new(store: Arc<dyn Store<Actor, dyn OwnMembershipsTransaction>>) -> Self {
        Self { store }
    }

    /// The actor within one of the organisations they belong to.
    ///
    /// # Errors
    /// [`TenancyError::NotFound`] when there is no such organisation, or the actor may not act in it: the two look alike.
    pub async fn enter(&self, actor: Actor, id: OrganizationId) -> Result<TenantContext, TenancyError> {
        let mut transaction = self.store.read(&actor).await?;
        let own = transaction.own_memberships().find(id).await?.ok_or(TenancyError::NotFound)?;
        TenantContext::enter(actor, &own).ok_or(TenancyError::NotFound)
    }

    /// The actor's memberships in organisations that are open to them, the oldest first.
    ///
    /// # Errors
    /// [`TenancyError::Storage`].
    pub async fn list_own(&self, actor: &Actor) -> Result<Vec<OwnMembership>, TenancyError> {
        let mut transaction = self.store.read(actor).await?;
        let mut own = transaction.own_memberships().list().await?;
        own.retain(|own| own.is_open() && actor.may_enter(own.organization.id));
        Ok(own)
    }
}
