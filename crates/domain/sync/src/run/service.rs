use std::sync::Arc;

use chrono::{DateTime, Utc};
use tenantry_kernel::{Clock, IdGenerator, OrganizationId, Store};
use tenantry_tenancy::{Permission, ProjectId, StoragePrefix, TenantContext};

use crate::ports::{ProjectStorage, RunBell, SyncPolicy, SyncTransaction};
use crate::session::next_run;
use crate::{Destination, Progress, Run, RunEnd, RunId, RunMode, SyncError, SyncSession, SyncSessionId};

/// What people do with runs: start them, watch them, end them.
pub struct Uploads {
    store: Arc<dyn Store<TenantContext, dyn SyncTransaction>>,
    policy: Arc<dyn SyncPolicy>,
    bell: Arc<dyn RunBell>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdGenerator>,
}

/// What somebody gives to start a run.
#[derive(Debug, Clone, Copy)]
pub struct StartRun {
    /// The id, where one was reserved for it before.
    pub id: Option<RunId>,
    /// The session that is to run.
    pub session_id: SyncSessionId,
    /// Whether it is only to say what it would do.
    pub dry_run: bool,
    /// How many objects it may remove without asking again.
    pub confirmed_deletions: u64,
}

impl Uploads {
    /// The use cases over these ports.
    #[must_use]
    pub fn new(
        store: Arc<dyn Store<TenantContext, dyn SyncTransaction>>,
        policy: Arc<dyn SyncPolicy>,
        bell: Arc<dyn RunBell>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdGenerator>,
    ) -> Self {
        Self { store, policy, bell, clock, ids }
    }

    /// Queues a run of a session. With an id that was reserved before, doing it again answers the run that is there.
    ///
    /// # Errors
    /// [`SyncError::Forbidden`] for a guest; [`SyncError::UnknownSession`]; [`SyncError::SessionActive`] while it runs;
    /// [`SyncError::DirectoryNotAllowed`], [`SyncError::BucketNotAllowed`], [`SyncError::ProfileNotAllowed`] when the
    /// operator does not let the organisation use them (any more).
    pub async fn start(&self, context: &TenantContext, start: StartRun) -> Result<Run, SyncError> {
        context.require(Permission::WriteProjects)?;
        self.check_policy(context, start.session_id).await?;
        let mut transaction = self.store.begin(context).await?;
        if let Some(id) = start.id
            && let Some(run) = transaction.runs().find(id).await?
        {
            return Ok(run);
        }
        let session = transaction.sync_sessions().find(start.session_id).await?.ok_or(SyncError::UnknownSession)?;
        if let Some(active) = transaction.runs().active_of_session(session.id).await? {
            return Err(SyncError::SessionActive(active));
        }
        let mode = if start.dry_run { RunMode::DryRun } else { RunMode::Full };
        let id = start.id.unwrap_or_else(|| RunId::generate(&*self.ids));
        let run = Run {
            confirmed_deletions: start.confirmed_deletions,
            ..queued(transaction.as_mut(), context, &session, id, mode, self.clock.now()).await?
        };
        self.enqueue(transaction, run).await
    }

    /// Queues a run of a session if its schedule has come, and says when it comes next. A run that is still at it is
    /// left alone. However many call this at once, one run is queued.
    ///
    /// # Errors
    /// As [`Uploads::start`], without [`SyncError::SessionActive`]. The schedule has gone on then, too.
    pub async fn start_scheduled(&self, context: &TenantContext, id: SyncSessionId) -> Result<(), SyncError> {
        let is_allowed = match context.require(Permission::WriteProjects) {
            Ok(()) => self.check_policy(context, id).await,
            Err(error) => Err(error.into()),
        };
        let now = self.clock.now();
        let mut transaction = self.store.begin(context).await?;
        let session = transaction.sync_sessions().find(id).await?.ok_or(SyncError::UnknownSession)?;
        let next = next_run(session.schedule.as_ref(), now);
        if !transaction.sync_sessions().pass_due(id, now, next).await? {
            return Ok(());
        }
        if is_allowed.is_err() || transaction.runs().active_of_session(id).await?.is_some() {
            transaction.commit().await?;
            return is_allowed;
        }
        let run_id = RunId::generate(&*self.ids);
        let run = queued(transaction.as_mut(), context, &session, run_id, RunMode::Full, now).await?;
        self.enqueue(transaction, run).await.map(|_| ())
    }

    /// A run, as it is now.
    ///
    /// # Errors
    /// [`SyncError::NotFound`].
    pub async fn status(&self, context: &TenantContext, id: RunId) -> Result<Run, SyncError> {
        context.require(Permission::ReadProjects)?;
        let mut transaction = self.store.read(context).await?;
        transaction.runs().find(id).await?.ok_or(SyncError::NotFound)
    }

    /// Ends a run: at once while it is queued or a direct upload, else as soon as its worker notices.
    ///
    /// # Errors
    /// [`SyncError::Forbidden`] for a guest; [`SyncError::NotFound`]; [`SyncError::NothingToDo`] when it has ended.
    pub async fn cancel(&self, context: &TenantContext, id: RunId) -> Result<Run, SyncError> {
        let mut transaction = self.store.begin(context).await?;
        let run = find_to_change(transaction.as_mut(), context, id).await?;
        if !run.state.is_active() {
            return Err(SyncError::NothingToDo);
        }
        let now = self.clock.now();
        let run = if run.mode == RunMode::Direct {
            let run = run.ended(&RunEnd::Cancelled, now);
            transaction.runs().update_direct(&run).await?;
            run
        } else {
            transaction.runs().cancel(id, now).await?;
            transaction.runs().find(id).await?.ok_or(SyncError::NotFound)?
        };
        transaction.commit().await?;
        Ok(run)
    }

    /// Queues a run over the files that failed in an earlier one.
    ///
    /// # Errors
    /// As [`Uploads::start`]; [`SyncError::NotFound`]; [`SyncError::SessionChanged`] when the session was changed since,
    /// or writes elsewhere now; [`SyncError::NothingToDo`] when no file failed, a later run has taken care of them, or
    /// it was a direct upload.
    pub async fn retry(&self, context: &TenantContext, id: RunId) -> Result<Run, SyncError> {
        context.require(Permission::ReadProjects)?;
        let earlier = self.store.read(context).await?.runs().find(id).await?.ok_or(SyncError::NotFound)?;
        context.require(Permission::WriteProjects)?;
        let session_id = earlier.session_id.ok_or(SyncError::NothingToDo)?;
        self.check_policy(context, session_id).await?;
        let now = self.clock.now();
        let mut transaction = self.store.begin(context).await?;
        let session = transaction.sync_sessions().find(session_id).await?.ok_or(SyncError::NotFound)?;
        if let Some(active) = transaction.runs().active_of_session(session.id).await? {
            return Err(SyncError::SessionActive(active));
        }
        let new_id = RunId::generate(&*self.ids);
        let run = queued(transaction.as_mut(), context, &session, new_id, RunMode::FailedFiles, now).await?;
        // What failed are paths of the earlier run's folder and keys of its destination.
        if earlier.session_revision != run.session_revision || run.destination != earlier.destination {
            return Err(SyncError::SessionChanged);
        }
        let (files, bytes) = transaction.files().take_failed(session.id, id, new_id).await?;
        if files == 0 {
            return Err(SyncError::NothingToDo);
        }
        let progress = Progress { total_files: files, total_bytes: bytes, ..Progress::default() };
        self.enqueue(transaction, Run { progress, is_scanned: true, ..run }).await
    }

    /// Stores the run, commits, and wakes a worker.
    async fn enqueue(&self, mut transaction: Box<dyn SyncTransaction>, run: Run) -> Result<Run, SyncError> {
        transaction.runs().insert(&run).await?;
        if let Some(session_id) = run.session_id.filter(|_| run.mode != RunMode::DryRun) {
            transaction.sync_sessions().set_last_run(session_id, run.id).await?;
        }
        transaction.commit().await?;
        self.bell.ring();
        Ok(run)
    }

    /// Whether the session may use what it names: asked before a transaction begins, since it looks into the file
    /// system.
    async fn check_policy(&self, context: &TenantContext, id: SyncSessionId) -> Result<(), SyncError> {
        let organization_id = context.organization_id();
        let (session, storage) = {
            let mut transaction = self.store.read(context).await?;
            let session = transaction.sync_sessions().find(id).await?.ok_or(SyncError::UnknownSession)?;
            let storage = transaction.destinations().project(session.project_id).await?;
            (session, storage.ok_or(SyncError::UnknownSession)?)
        };
        if !self.policy.allows_bucket(organization_id, storage.bucket_name.as_ref()) {
            return Err(SyncError::BucketNotAllowed);
        }
        if let Some(profile) = &session.aws_profile
            && !self.policy.allows_profile(organization_id, profile)
        {
            return Err(SyncError::ProfileNotAllowed);
        }
        if self.policy.allows_directory(organization_id, &session.local_directory).await {
            Ok(())
        } else {
            Err(SyncError::DirectoryNotAllowed)
        }
    }
}

/// The run, if the context's actor may end it.
async fn find_to_change(
    transaction: &mut dyn SyncTransaction,
    context: &TenantContext,
    id: RunId,
) -> Result<Run, SyncError> {
    let run = transaction.runs().find(id).await?.ok_or(SyncError::NotFound)?;
    context.require(Permission::WriteProjects)?;
    Ok(run)
}

/// A new run of the session, to where the session now writes.
async fn queued(
    transaction: &mut dyn SyncTransaction,
    context: &TenantContext,
    session: &SyncSession,
    id: RunId,
    mode: RunMode,
    now: DateTime<Utc>,
) -> Result<Run, SyncError> {
    let storage = transaction.destinations().project(session.project_id).await?.ok_or(SyncError::UnknownSession)?;
    let cycle_prefix = match session.cycle_id {
        Some(cycle_id) => transaction.cycles().find(cycle_id).await?.and_then(|cycle| cycle.s3_prefix),
        None => None,
    };
    let below = session.s3_prefix.as_ref().or(cycle_prefix.as_ref());
    let destination = Destination {
        profile: session.aws_profile.clone(),
        ..destination(session.organization_id, session.project_id, storage, below)
    };
    let whose = (session.organization_id, context.user_id()?);
    let (session_id, session_revision) = (Some(session.id), Some(session.revision));
    Ok(Run { session_id, session_revision, ..Run::queued(id, whose, session.project_id, mode, destination, now) })
}

/// Where a project stores its objects, with the server's own rights. Keys begin with the organisation's id, so that no
/// tenant can write to another's.
pub(crate) fn destination(
    organization_id: OrganizationId,
    project_id: ProjectId,
    storage: ProjectStorage,
    below: Option<&StoragePrefix>,
) -> Destination {
    let mut prefix = organization_id.to_string();
    prefix.push('/');
    match &storage.storage_prefix {
        Some(own) => prefix.push_str(own.as_str()),
        None => prefix.push_str(&project_id.to_string()),
    }
    if let Some(below) = below {
        prefix.push('/');
        prefix.push_str(below.as_str());
    }
    Destination { bucket: storage.bucket_name, profile: None, prefix }
}
