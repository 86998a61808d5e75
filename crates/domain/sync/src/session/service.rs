use std::sync::Arc;

use chrono::{DateTime, Utc};
use tenantry_kernel::{Clock, IdGenerator, Page, PageRequest, Precondition, Store};
use tenantry_tenancy::{Permission, ProjectId, TenantContext};

use crate::ports::{SyncPolicy, SyncTransaction};
use crate::{
    CycleId, FileFilter, FileRecord, LocalDirectory, NewSyncSession, Patterns, ProfileName, Schedule, SessionFilter,
    SessionStats, SyncError, SyncSession, SyncSessionChange, SyncSessionId,
};

/// What people do with sync sessions.
pub struct SyncSessions {
    store: Arc<dyn Store<TenantContext, dyn SyncTransaction>>,
    policy: Arc<dyn SyncPolicy>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdGenerator>,
}

impl SyncSessions {
    /// The use cases over these ports.
    #[must_use]
    pub fn new(
        store: Arc<dyn Store<TenantContext, dyn SyncTransaction>>,
        policy: Arc<dyn SyncPolicy>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdGenerator>,
    ) -> Self {
        Self { store, policy, clock, ids }
    }

    /// A page of the organisation's sessions, the newest first.
    ///
    /// # Errors
    /// [`SyncError::Storage`]; every role may see them.
    pub async fn list(
        &self,
        context: &TenantContext,
        filter: SessionFilter,
        page: &PageRequest,
    ) -> Result<Page<SyncSession>, SyncError> {
        context.require(Permission::ReadProjects)?;
        let mut transaction = self.store.read(context).await?;
        Ok(transaction.sync_sessions().list(filter, page).await?)
    }

    /// What the sessions come to together.
    ///
    /// # Errors
    /// [`SyncError::Storage`]; every role may see it.
    pub async fn stats(&self, context: &TenantContext, filter: SessionFilter) -> Result<SessionStats, SyncError> {
        context.require(Permission::ReadProjects)?;
        let mut transaction = self.store.read(context).await?;
        Ok(transaction.sync_sessions().stats(filter).await?)
    }

    /// One session.
    ///
    /// # Errors
    /// [`SyncError::NotFound`].
    pub async fn find(&self, context: &TenantContext, id: SyncSessionId) -> Result<SyncSession, SyncError> {
        context.require(Permission::ReadProjects)?;
        let mut transaction = self.store.read(context).await?;
        transaction.sync_sessions().find(id).await?.ok_or(SyncError::NotFound)
    }

    /// A page of a session's files.
    ///
    /// # Errors
    /// [`SyncError::NotFound`].
    pub async fn files(
        &self,
        context: &TenantContext,
        id: SyncSessionId,
        filter: FileFilter,
        page: &PageRequest,
    ) -> Result<Page<FileRecord>, SyncError> {
        context.require(Permission::ReadProjects)?;
        let mut transaction = self.store.read(context).await?;
        let session = transaction.sync_sessions().find(id).await?.ok_or(SyncError::NotFound)?;
        Ok(transaction.files().list(&session, filter, page).await?)
    }

    /// Makes a session. With an id that was reserved before, making it again answers the session that is there.
    ///
    /// # Errors
    /// [`SyncError::Forbidden`] for a guest; [`SyncError::UnknownProject`], [`SyncError::UnknownCycle`],
    /// [`SyncError::DirectoryNotAllowed`], [`SyncError::ProfileNotAllowed`], [`SyncError::BadInclude`],
    /// [`SyncError::BadExclude`].
    pub async fn create(&self, context: &TenantContext, new: NewSyncSession) -> Result<SyncSession, SyncError> {
        context.require(Permission::WriteProjects)?;
        self.check_policy(context, Some(&new.local_directory), new.aws_profile.as_ref()).await?;
        self.check_patterns(Some(&new.include), Some(&new.exclude)).await?;
        let id = new.id.unwrap_or_else(|| SyncSessionId::generate(&*self.ids));
        let now = self.clock.now();
        let session = SyncSession::create(new, id, context.organization_id(), context.user_id()?, now);
        let mut transaction = self.store.begin(context).await?;
        check_references(transaction.as_mut(), session.project_id, session.cycle_id).await?;
        if !transaction.sync_sessions().insert(&session).await? {
            return transaction.sync_sessions().find(id).await?.ok_or(SyncError::NotFound);
        }
        transaction.sync_sessions().set_next_run(id, next_run(session.schedule.as_ref(), now)).await?;
        transaction.commit().await?;
        Ok(session)
    }

    /// Changes a session. From then on its scheduled runs are in the name of whoever changed it.
    ///
    /// # Errors
    /// As [`SyncSessions::create`]; [`SyncError::NotFound`]; [`SyncError::SessionActive`] while it runs;
    /// [`SyncError::RevisionMismatch`] when `precondition` does not allow the stored revision.
    pub async fn update(
        &self,
        context: &TenantContext,
        id: SyncSessionId,
        change: SyncSessionChange,
        precondition: &Precondition,
    ) -> Result<SyncSession, SyncError> {
        // Asked before the transaction begins, since it looks into the file system.
        let policy = self.check_policy(
            context,
            change.local_directory.as_ref(),
            change.aws_profile.as_ref().and_then(Option::as_ref),
        );
        let policy = policy.await;
        let patterns = self.check_patterns(change.include.as_ref(), change.exclude.as_ref()).await;
        let now = self.clock.now();
        let mut transaction = self.store.begin(context).await?;
        let stored = find_to_change(transaction.as_mut(), context, id, precondition).await?;
        policy.and(patterns)?;
        let seen = stored.revision;
        let session = SyncSession { user_id: context.user_id()?, ..stored.changed(change, now) };
        check_references(transaction.as_mut(), session.project_id, session.cycle_id).await?;
        if !transaction.sync_sessions().update(&session, seen).await? {
            return Err(SyncError::RevisionMismatch);
        }
        transaction.sync_sessions().set_next_run(id, next_run(session.schedule.as_ref(), now)).await?;
        transaction.commit().await?;
        Ok(session)
    }

    /// Deletes a session with its runs; what they stored stays in the object store.
    ///
    /// # Errors
    /// [`SyncError::Forbidden`] for a guest; [`SyncError::NotFound`]; [`SyncError::SessionActive`] while it runs;
    /// [`SyncError::RevisionMismatch`].
    pub async fn delete(
        &self,
        context: &TenantContext,
        id: SyncSessionId,
        precondition: &Precondition,
    ) -> Result<(), SyncError> {
        let mut transaction = self.store.begin(context).await?;
        let stored = find_to_change(transaction.as_mut(), context, id, precondition).await?;
        if !transaction.sync_sessions().delete(id, stored.revision).await? {
            return Err(SyncError::RevisionMismatch);
        }
        Ok(transaction.commit().await?)
    }

    async fn check_policy(
        &self,
        context: &TenantContext,
        directory: Option<&LocalDirectory>,
        profile: Option<&ProfileName>,
    ) -> Result<(), SyncError> {
        let organization_id = context.organization_id();
        if let Some(profile) = profile
            && !self.policy.allows_profile(organization_id, profile)
        {
            return Err(SyncError::ProfileNotAllowed);
        }
        if let Some(directory) = directory
            && !self.policy.allows_directory(organization_id, directory).await
        {
            return Err(SyncError::DirectoryNotAllowed);
        }
        Ok(())
    }

    async fn check_patterns(&self, include: Option<&Patterns>, exclude: Option<&Patterns>) -> Result<(), SyncError> {
        if let Some(include) = include {
            self.policy.check_patterns(include).await.map_err(SyncError::BadInclude)?;
        }
        if let Some(exclude) = exclude {
            self.policy.check_patterns(exclude).await.map_err(SyncError::BadExclude)?;
        }
        Ok(())
    }
}

/// When a session with this schedule runs next.
pub(crate) fn next_run(schedule: Option<&Schedule>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    schedule.and_then(|schedule| schedule.next_after(now))
}

/// A cycle is one of the session's own project.
async fn check_references(
    transaction: &mut dyn SyncTransaction,
    project_id: ProjectId,
    cycle_id: Option<CycleId>,
) -> Result<(), SyncError> {
    transaction.destinations().project(project_id).await?.ok_or(SyncError::UnknownProject)?;
    if let Some(cycle_id) = cycle_id {
        let cycle = transaction.cycles().find(cycle_id).await?;
        cycle.filter(|cycle| cycle.project_id == project_id).ok_or(SyncError::UnknownCycle)?;
    }
    Ok(())
}

/// The session, if the context's actor may change it, `precondition` allows its revision, and it does not run.
async fn find_to_change(
    transaction: &mut dyn SyncTransaction,
    context: &TenantContext,
    id: SyncSessionId,
    precondition: &Precondition,
) -> Result<SyncSession, SyncError> {
    let stored = transaction.sync_sessions().find(id).await?.ok_or(SyncError::NotFound)?;
    context.require(Permission::WriteProjects)?;
    if !precondition.allows(stored.revision) {
        return Err(SyncError::RevisionMismatch);
    }
    match transaction.runs().active_of_session(id).await? {
        Some(run) => Err(SyncError::SessionActive(run)),
        None => Ok(stored),
    }
}
