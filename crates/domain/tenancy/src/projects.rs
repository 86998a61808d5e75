use std::sync::Arc;

use tenantry_kernel::{Clock, IdGenerator, Page, PageRequest, Precondition, Store};

use crate::{
    NewProject, Permission, Project, ProjectChange, ProjectFilter, ProjectId, TenancyError, TenantContext,
    ports::TenancyTransaction,
};

/// What people do with projects. Deleting one concerns tasks too, so that it is no use case of this domain alone.
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

    /// A page of the organisation's projects, the newest first.
    ///
    /// # Errors
    /// [`TenancyError::Storage`]; every role may see them.
    pub async fn list(
        &self,
        context: &TenantContext,
        filter: &ProjectFilter,
        page: &PageRequest,
    ) -> Result<Page<Project>, TenancyError> {
        context.require(Permission::ReadProjects)?;
        let mut transaction = self.store.read(context).await?;
        Ok(transaction.projects().list(filter, page).await?)
    }

    /// One project.
    ///
    /// # Errors
    /// [`TenancyError::NotFound`].
    pub async fn find(&self, context: &TenantContext, id: ProjectId) -> Result<Project, TenancyError> {
        context.require(Permission::ReadProjects)?;
        let mut transaction = self.store.read(context).await?;
        transaction.projects().find(id).await?.ok_or(TenancyError::NotFound)
    }

    /// Makes a project. With an id that was reserved before, making it again answers the project that is there.
    ///
    /// # Errors
    /// [`TenancyError::Forbidden`] for a guest.
    pub async fn create(&self, context: &TenantContext, new: NewProject) -> Result<Project, TenancyError> {
        context.require(Permission::WriteProjects)?;
        let id = new.id.unwrap_or_else(|| ProjectId::generate(&*self.ids));
        let project = Project::create(new, id, context.organization_id(), self.clock.now());
        let mut transaction = self.store.begin(context).await?;
        if !transaction.projects().insert(&project).await? {
            return transaction.projects().find(id).await?.ok_or(TenancyError::NotFound);
        }
        transaction.commit().await?;
        Ok(project)
    }

    /// Changes a project.
    ///
    /// # Errors
    /// [`TenancyError::Forbidden`] for a guest; [`TenancyError::NotFound`]; [`TenancyError::RevisionMismatch`] when
    /// `precondition` does not allow the stored revision.
    pub async fn update(
        &self,
        context: &TenantContext,
        id: ProjectId,
        change: ProjectChange,
        precondition: &Precondition,
    ) -> Result<Project, TenancyError> {
        let now = self.clock.now();
        let mut transaction = self.store.begin(context).await?;
        let stored = Self::find_to_change(transaction.as_mut(), context, id, precondition).await?;
        let seen = stored.revision;
        let project = stored.changed(change, now);
        if !transaction.projects().update(&project, seen).await? {
            return Err(TenancyError::RevisionMismatch);
        }
        transaction.commit().await?;
        Ok(project)
    }

    /// The project, if the context's actor may change it and `precondition` allows its revision; a step of use cases
    /// that change it.
    ///
    /// # Errors
    /// As [`Projects::update`].
    pub async fn find_to_change<T>(
        transaction: &mut T,
        context: &TenantContext,
        id: ProjectId,
        precondition: &Precondition,
    ) -> Result<Project, TenancyError>
    where
        T: TenancyTransaction + ?Sized,
    {
        let stored = transaction.projects().find(id).await?.ok_or(TenancyError::NotFound)?;
        context.require(Permission::WriteProjects)?;
        if precondition.allows(stored.revision) { Ok(stored) } else { Err(TenancyError::RevisionMismatch) }
    }
}
