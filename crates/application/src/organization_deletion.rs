use std::sync::Arc;

use tenantry_identity::{Accounts, AuditAction, AuditTarget, Revocation};
use tenantry_kernel::{Clock, IdGenerator, Precondition, Store};
use tenantry_tenancy::{Permission, TenancyError, TenantContext};

use crate::{members::check_standing, ports::MembersTransaction};

/// Deleting organisations, which ends what its members can do there.
pub struct OrganizationDeletion {
    store: Arc<dyn Store<TenantContext, dyn MembersTransaction>>,
    accounts: Arc<Accounts>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdGenerator>,
}

impl OrganizationDeletion {
    const DELETE: AuditAction = AuditAction::of("organization.delete");

    /// The use case over these ports.
    #[must_use]
    pub fn new(
        store: Arc<dyn Store<TenantContext, dyn MembersTransaction>>,
        accounts: Arc<Accounts>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdGenerator>,
    ) -> Self {
        Self { store, accounts, clock, ids }
    }

    /// Deletes the context's organisation softly: it and everything in it is out of everybody's reach at once, every
    /// access token for it is dead, and it is erased later.
    ///
    /// # Errors
    /// [`TenancyError::Forbidden`] for anybody but an owner; [`TenancyError::NotFound`];
    /// [`TenancyError::RevisionMismatch`] when `precondition` does not allow the stored revision.
    pub async fn delete(&self, context: &TenantContext, precondition: &Precondition) -> Result<(), TenancyError> {
        context.require(Permission::DeleteOrganization)?;
        let now = self.clock.now();
        let id = context.organization_id();
        let mut transaction = self.store.begin(context).await?;
        let stored = transaction.organizations().find(id).await?.ok_or(TenancyError::NotFound)?;
        check_standing(transaction.as_mut(), context, Permission::DeleteOrganization).await?;
        if !precondition.allows(stored.revision) {
            return Err(TenancyError::RevisionMismatch);
        }
        let seen = stored.revision;
        if !transaction.organizations().update(&stored.deleted(now), seen).await? {
            return Err(TenancyError::RevisionMismatch);
        }
        let ended = transaction.memberships().renew_epochs(now).await?;
        let revocations: Vec<Revocation> = ended
            .iter()
            .map(|membership| self.accounts.membership_revocation(id, membership.user_id, membership.epoch, now))
            .collect();
        transaction.revocations().insert(&revocations).await?;
        let entry = context.audit_entry(&*self.ids, now, Self::DELETE).about(AuditTarget::one("organization", id));
        transaction.audit().append(&entry).await?;
        transaction.commit().await?;
        self.accounts.apply(&revocations);
        Ok(())
    }
}
