use std::sync::Arc;

use tenantry_kernel::{Clock, IdGenerator, Page, PageRequest, Precondition, Store};
use tenantry_tenancy::{Permission, ProjectId, TenantContext};

use crate::{Cycle, CycleChange, CycleFilter, CycleId, NewCycle, SyncError, ports::SyncTransaction};

/// What people do with cycles.
pub struct Cycles {
    store: Arc<dyn Store<TenantContext, dyn SyncTransaction>>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdGenerator>,
}

impl Cycles {
    /// The use cases over these ports.
    #[must_use]
    pub fn new(
        store: Arc<dyn Store<TenantContext, dyn SyncTransaction>>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdGenerator>,
    ) -> Self {
        Self { store, clock, ids }
    }

    /// A page of the organisation's cycles, the newest first.
    ///
    /// # Errors
    /// [`SyncError::Storage`]; every role may see them.
    pub async fn list(
        &self,
        context: &TenantContext,
        filter: CycleFilter,
        page: &PageRequest,
    ) -> Result<Page<Cycle>, SyncError> {
        context.require(Permission::ReadProjects)?;
        let mut transaction = self.store.read(context).await?;
        Ok(transaction.cycles().list(filter, page).await?)
    }

    /// One cycle.
    ///
    /// # Errors
    /// [`SyncError::NotFound`].
    pub async fn find(&self, context: &TenantContext, id: CycleId) -> Result<Cycle, SyncError> {
        context.require(Permission::ReadProjects)?;
        let mut transaction = self.store.read(context).await?;
        transaction.cycles().find(id).await?.ok_or(SyncError::NotFound)
    }

    /// Makes a cycle. With an id that was reserved before, making it again answers the cycle that is there.
    ///
    /// # Errors
    /// [`SyncError::Forbidden`] for a guest; [`SyncError::UnknownProject`], [`SyncError::CycleNumberTaken`].
    pub async fn create(&self, context: &TenantContext, new: NewCycle) -> Result<Cycle, SyncError> {
        context.require(Permission::WriteProjects)?;
        let id = new.id.unwrap_or_else(|| CycleId::generate(&*self.ids));
        let cycle = Cycle::create(new, id, context.organization_id(), self.clock.now());
        let mut transaction = self.store.begin(context).await?;
        require_project(transaction.as_mut(), cycle.project_id).await?;
        if !transaction.cycles().insert(&cycle).await? {
            return transaction.cycles().find(id).await?.ok_or(SyncError::NotFound);
        }
        transaction.commit().await?;
        Ok(cycle)
    }

    /// Changes a cycle.
    ///
    /// # Errors
    /// [`SyncError::Forbidden`] for a guest; [`SyncError::NotFound`], [`SyncError::UnknownProject`],
    /// [`SyncError::CycleNumberTaken`]; [`SyncError::CycleInUse`] when it would leave its project, but has sessions;
    /// [`SyncError::RevisionMismatch`] when `precondition` does not allow the stored revision.
    pub async fn update(
        &self,
        context: &TenantContext,
        id: CycleId,
        change: CycleChange,
        precondition: &Precondition,
    ) -> Result<Cycle, SyncError> {
        let now = self.clock.now();
        let mut transaction = self.store.begin(context).await?;
        let stored = find_to_change(transaction.as_mut(), context, id, precondition).await?;
        if let Some(project_id) = change.project_id.filter(|project_id| *project_id != stored.project_id) {
            require_project(transaction.as_mut(), project_id).await?;
            if transaction.sync_sessions().any_of_cycle(id).await? {
                return Err(SyncError::CycleInUse);
            }
        }
        let seen = stored.revision;
        let cycle = stored.changed(change, now);
        if !transaction.cycles().update(&cycle, seen).await? {
            return Err(SyncError::RevisionMismatch);
        }
        transaction.commit().await?;
        Ok(cycle)
    }

    /// Deletes a cycle with its sync sessions; what they stored stays in the object store.
    ///
    /// # Errors
    /// [`SyncError::Forbidden`] for a guest; [`SyncError::NotFound`]; [`SyncError::SessionActive`] while one of its
    /// sessions runs; [`SyncError::RevisionMismatch`].
    pub async fn delete(
        &self,
        context: &TenantContext,
        id: CycleId,
        precondition: &Precondition,
    ) -> Result<(), SyncError> {
        let mut transaction = self.store.begin(context).await?;
        let stored = find_to_change(transaction.as_mut(), context, id, precondition).await?;
        if let Some(run) = transaction.runs().active_of_cycle(id).await? {
            return Err(SyncError::SessionActive(run));
        }
        transaction.sync_sessions().delete_of_cycle(id).await?;
        if !transaction.cycles().delete(id, stored.revision).await? {
            return Err(SyncError::RevisionMismatch);
        }
        Ok(transaction.commit().await?)
    }
}

async fn require_project(transaction: &mut dyn SyncTransaction, id: ProjectId) -> Result<(), SyncError> {
    transaction.destinations().project(id).await?.map(|_| ()).ok_or(SyncError::UnknownProject)
}

/// The cycle, if the context's actor may change it and `precondition` allows its revision.
async fn find_to_change(
    transaction: &mut dyn SyncTransaction,
    context: &TenantContext,
    id: CycleId,
    precondition: &Precondition,
) -> Result<Cycle, SyncError> {
    let stored = transaction.cycles().find(id).await?.ok_or(SyncError::NotFound)?;
    context.require(Permission::WriteProjects)?;
    if precondition.allows(stored.revision) { Ok(stored) } else { Err(SyncError::RevisionMismatch) }
}
