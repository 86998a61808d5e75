use std::sync::Arc;

use tenantry_kernel::{Clock, IdGenerator, Revision, Store};

use crate::{NewProject, Permission, Project, ProjectId, TenancyError, TenantContext, ports::TenancyTransaction};

/// What people do with projects.
pub struct Projects {
    store: Arc<dyn Store<TenantContext, dyn TenancyTransaction>>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdGenerator>,
}

impl Projects {
    /// The use cases over these ports.
    #[must_use]
    pub fn new(
        store: Arc<dyn Store<TenantContext, dyn TenancyTransaction>>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdGenerator>,
    ) -> Self {
        Self { store, clock, ids }
    }

    /// Makes a project.
    ///
    /// # Errors
    /// [`TenancyError::Forbidden`] for a guest.
    pub async fn create(&self, context: &TenantContext, new: NewProject) -> Result<Project, TenancyError> {
        context.require(Permission::WriteProjects)?;
        let now = self.clock.now();
        let project = Project {
            id: ProjectId::generate(&*self.ids),
            organization_id: context.organization_id(),
            name: new.name,
            description: new.description,
            is_active: true,
            metadata: new.metadata,
            created_at: now,
            updated_at: now,
            revision: Revision::FIRST,
        };
        let mut transaction = self.store.begin(context).await?;
        transaction.projects().insert(&project).await?;
        transaction.commit().await?;
        Ok(project)
    }
}
