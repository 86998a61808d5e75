use std::sync::Arc;

use tenantry_identity::{AuditAction, AuditEntry, AuditFilter, AuditOutcome, AuditTarget, ports::AuditTransaction};
use tenantry_kernel::{Clock, IdGenerator, Page, PageRequest, Store};

use crate::{Permission, TenancyError, TenantContext};

/// The audit log of an organisation.
///
/// What is done is written by whatever does it, in the same transaction. What is refused leaves nothing else behind, so
/// it is written here.
pub struct AuditLog {
    store: Arc<dyn Store<TenantContext, dyn AuditTransaction>>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdGenerator>,
}

impl AuditLog {
    /// The use cases over these ports.
    #[must_use]
    pub fn new(
        store: Arc<dyn Store<TenantContext, dyn AuditTransaction>>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdGenerator>,
    ) -> Self {
        Self { store, clock, ids }
    }

    /// The entries that `filter` admits, the newest first.
    ///
    /// # Errors
    /// [`TenancyError::Forbidden`] without the right to read the log.
    pub async fn list(
        &self,
        context: &TenantContext,
        filter: &AuditFilter,
        page: &PageRequest,
    ) -> Result<Page<AuditEntry>, TenancyError> {
        context.require(Permission::ReadAuditLog)?;
        let mut transaction = self.store.read(context).await?;
        Ok(transaction.audit().list(filter, page).await?)
    }

    /// Writes down that the actor was refused `target`.
    ///
    /// # Errors
    /// [`TenancyError::Storage`].
    pub async fn note_refusal(&self, context: &TenantContext, target: AuditTarget) -> Result<(), TenancyError> {
        let action = AuditAction::access_denied(&target.kind);
        let entry = context.audit_entry(&*self.ids, self.clock.now(), action);
        let entry = entry.ending(AuditOutcome::Denied).about(target);
        let mut transaction = self.store.begin(context).await?;
        transaction.audit().append(&entry).await?;
        Ok(transaction.commit().await?)
    }
}
