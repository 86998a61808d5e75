use std::sync::Arc;

use tenantry_kernel::{Clock, Precondition, Store};
use tenantry_sync::SyncError;
use tenantry_tenancy::{ProjectId, Projects, TenantContext};

use crate::ports::ProjectTransaction;

/// Deleting projects, which concerns the tasks in them and what they sync.
pub struct ProjectDeletion {
    store: Arc<dyn Store<TenantContext, dyn ProjectTransaction>>,
    clock: Arc<dyn Clock>,
}

impl ProjectDeletion {
    /// The use case over these ports.
    #[must_use]
    pub fn new(store: Arc<dyn Store<TenantContext, dyn ProjectTransaction>>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock }
    }

    /// Deletes a project softly, with its cycles and sync sessions. What they stored stays in the object store, and its
    /// tasks stay, without a project.
    ///
    /// # Errors
    /// As [`Projects::update`]; [`SyncError::SessionActive`] while one of its sessions runs.
    pub async fn delete(
        &self,
        context: &TenantContext,
        id: ProjectId,
        precondition: &Precondition,
    ) -> Result<(), SyncError> {
        let now = self.clock.now();
        let mut transaction = self.store.begin(context).await?;
        let stored = Projects::find_to_change(transaction.as_mut(), context, id, precondition).await?;
        if !transaction.projects().delete(id, stored.revision, now).await? {
            return Err(SyncError::RevisionMismatch);
        }
        // No session can be started any more: whoever starts one locks the project.
        if let Some(run) = transaction.runs().active_of_project(id).await? {
            return Err(SyncError::SessionActive(run));
        }
        transaction.sync_sessions().delete_of_project(id).await?;
        transaction.cycles().delete_of_project(id).await?;
        transaction.tasks().leave_project(id, now).await?;
        Ok(transaction.commit().await?)
    }
}
