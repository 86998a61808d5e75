use std::sync::Arc;

use tenantry_kernel::{Clock, Precondition, Store};
use tenantry_tenancy::{ProjectId, Projects, TenancyError, TenantContext};

use crate::ports::ProjectTransaction;

/// Deleting projects, which concerns the tasks in them.
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

    /// Deletes a project softly. Its tasks stay, without a project.
    ///
    /// # Errors
    /// As [`Projects::update`].
    pub async fn delete(
        &self,
        context: &TenantContext,
        id: ProjectId,
        precondition: &Precondition,
    ) -> Result<(), TenancyError> {
        let now = self.clock.now();
        let mut transaction = self.store.begin(context).await?;
        let stored = Projects::find_to_change(transaction.as_mut(), context, id, precondition).await?;
        if !transaction.projects().delete(id, stored.revision, now).await? {
            return Err(TenancyError::RevisionMismatch);
        }
        transaction.tasks().leave_project(id, now).await?;
        Ok(transaction.commit().await?)
    }
}
