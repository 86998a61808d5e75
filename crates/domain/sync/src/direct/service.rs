use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tenantry_kernel::{Clock, IdGenerator, StorageError, Store};
use tenantry_tenancy::{Permission, TenantContext};

use super::NewDirectUpload;
use crate::objects::{ObjectStore, PartLimits, Place, abort_orphans, old_uploads};
use crate::ports::{ObjectStores, SyncPolicy, SyncTransaction};
use crate::run::destination;
use crate::{Destination, Progress, Run, RunEnd, RunId, RunMode, RunState, SyncError};

/// Calls of an object store that are under way at once for one request.
pub(super) const AT_ONCE: usize = 16;

/// How clients may send files.
#[derive(Debug, Clone)]
pub struct DirectOptions {
    /// How long a client may send a request that it was given.
    pub presigned_for: Duration,
    /// Larger files are sent in parts of this size, or larger ones where the store would not take so many.
    pub part_bytes: u64,
    /// How long a multipart upload that no run knows of is left alone.
    pub orphan_age: Duration,
    /// Bytes of the largest file that a client sends to the server itself.
    pub largest_appended: u64,
}

impl Default for DirectOptions {
    fn default() -> Self {
        Self {
            presigned_for: Duration::from_mins(15),
            part_bytes: PartLimits::USUAL_PART,
            orphan_age: Duration::from_hours(1),
            largest_appended: 1 << 40,
        }
    }
}

/// What clients do that send files of their own.
pub struct DirectUploads {
    pub(super) store: Arc<dyn Store<TenantContext, dyn SyncTransaction>>,
    policy: Arc<dyn SyncPolicy>,
    objects: Arc<dyn ObjectStores>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) ids: Arc<dyn IdGenerator>,
    pub(super) options: DirectOptions,
}

/// A job that takes files, and where it takes them to.
pub(super) struct Job {
    pub run: Run,
    pub objects: Arc<dyn ObjectStore>,
}

impl Job {
    pub fn place(&self) -> &Place {
        self.objects.place()
    }

    /// Whether clients send files to the server: they can't send them to the store.
    pub fn appends(&self) -> bool {
        !self.objects.presigns() && self.objects.appending().is_some()
    }
}

impl DirectUploads {
    /// How many files, or parts, one request names at most.
    pub const MOST_AT_ONCE: usize = 1_000;

    /// The use cases over these ports.
    #[must_use]
    pub fn new(
        store: Arc<dyn Store<TenantContext, dyn SyncTransaction>>,
        policy: Arc<dyn SyncPolicy>,
        objects: Arc<dyn ObjectStores>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdGenerator>,
        options: DirectOptions,
    ) -> Self {
        Self { store, policy, objects, clock, ids, options }
    }

    /// Opens a job. With an id that was reserved before, doing it again answers the job that is there.
    ///
    /// # Errors
    /// [`SyncError::Forbidden`] for a guest; [`SyncError::UnknownProject`], [`SyncError::UnknownCycle`];
    /// [`SyncError::BucketNotAllowed`] when the operator does not let the organisation use the project's.
    pub async fn open(&self, context: &TenantContext, new: NewDirectUpload) -> Result<Run, SyncError> {
        context.require(Permission::WriteProjects)?;
        let id = new.id.unwrap_or_else(|| RunId::generate(&*self.ids));
        let mut transaction = self.store.begin(context).await?;
        let storage = transaction.destinations().project(new.project_id).await?.ok_or(SyncError::UnknownProject)?;
        let cycle = match new.cycle_id {
            Some(cycle_id) => {
                let cycle = transaction.cycles().find(cycle_id).await?;
                Some(cycle.filter(|cycle| cycle.project_id == new.project_id).ok_or(SyncError::UnknownCycle)?)
            }
            None => None,
        };
        if !self.policy.allows_bucket(context.organization_id(), storage.bucket_name.as_ref()) {
            return Err(SyncError::BucketNotAllowed);
        }
        let below = new.s3_prefix.or(cycle.and_then(|cycle| cycle.s3_prefix));
        let now = self.clock.now();
        let whose = (context.organization_id(), context.user_id()?);
        let destination = destination(whose.0, new.project_id, storage, below.as_ref());
        let run = Run {
            cycle_id: new.cycle_id,
            state: RunState::Started,
            started_at: Some(now),
            ..Run::queued(id, whose, new.project_id, RunMode::Direct, destination, now)
        };
        if !transaction.runs().insert(&run).await? {
            return transaction.runs().find(id).await?.ok_or(SyncError::NotFound);
        }
        transaction.commit().await?;
        Ok(run)
    }

    /// Ends a job. What was declared and not completed counts as failed from then on. Doing it again changes nothing.
    ///
    /// # Errors
    /// [`SyncError::Forbidden`] for a guest; [`SyncError::NotFound`]; [`SyncError::NotDirect`]; [`SyncError::JobEnded`]
    /// when it has ended otherwise.
    pub async fn finish(&self, context: &TenantContext, id: RunId) -> Result<Run, SyncError> {
        let mut transaction = self.store.begin(context).await?;
        let run = transaction.runs().find(id).await?.ok_or(SyncError::NotFound)?;
        context.require(Permission::WriteProjects)?;
        if run.mode == RunMode::Direct && run.state == RunState::Finished {
            return Ok(run);
        }
        let run = require_open(run)?;
        let Progress { total_files, files_uploaded, files_skipped, .. } = run.progress;
        let files_failed = total_files.saturating_sub(files_uploaded).saturating_sub(files_skipped);
        let progress = Progress { files_failed, ..run.progress };
        let run = Run { progress, is_scanned: true, ..run }.ended(&RunEnd::Finished, self.clock.now());
        transaction.runs().update_direct(&run).await?;
        transaction.commit().await?;
        // The job is over whether or not this goes well; whoever comes by next tries again.
        let _ = self.sweep(context, &run).await;
        Ok(run)
    }

    /// Aborts the multipart uploads below the job's prefix that are old and in no record.
    async fn sweep(&self, context: &TenantContext, run: &Run) -> Result<(), SyncError> {
        let Destination { bucket, prefix, .. } = &run.destination;
        let objects = self.objects.open(bucket.as_ref(), None).await?;
        let old = old_uploads(&*objects, prefix, self.clock.now() - self.options.orphan_age).await?;
        if old.is_empty() {
            return Ok(());
        }
        let known = {
            let mut transaction = self.store.read(context).await?;
            transaction.files().uploads_under_way(objects.place(), prefix).await?
        };
        abort_orphans(&*objects, &old, known).await;
        Ok(())
    }

    /// The job, if the context's actor may send files to it, and it takes any.
    pub(super) async fn enter(&self, context: &TenantContext, id: RunId) -> Result<Job, SyncError> {
        context.require(Permission::ReadProjects)?;
        let run = {
            let mut transaction = self.store.read(context).await?;
            transaction.runs().find(id).await?.ok_or(SyncError::NotFound)?
        };
        context.require(Permission::WriteProjects)?;
        let run = require_open(run)?;
        let bucket = run.destination.bucket.as_ref();
        if !self.policy.allows_bucket(run.organization_id, bucket) {
            return Err(SyncError::BucketNotAllowed);
        }
        let objects = self.objects.open(bucket, None).await?;
        Ok(Job { run, objects })
    }

    /// When a request expires that is made now.
    pub(super) fn expiry(&self) -> DateTime<Utc> {
        self.clock.now() + self.options.presigned_for
    }
}

/// The job as it is now, locked until the end of the transaction, if it still takes files.
pub(super) async fn lock(transaction: &mut dyn SyncTransaction, id: RunId) -> Result<Run, SyncError> {
    require_open(transaction.runs().find(id).await?.ok_or(SyncError::NotFound)?)
}

/// Writes down that something happened, which is what keeps a job from being taken for idle.
pub(super) async fn touch(
    transaction: &mut dyn SyncTransaction,
    run: Run,
    now: DateTime<Utc>,
) -> Result<(), StorageError> {
    transaction.runs().update_direct(&Run { updated_at: now, ..run }).await
}

fn require_open(run: Run) -> Result<Run, SyncError> {
    match (run.mode, run.state) {
        (RunMode::Direct, RunState::Started) => Ok(run),
        (RunMode::Direct, _) => Err(SyncError::JobEnded),
        _ => Err(SyncError::NotDirect),
    }
}
