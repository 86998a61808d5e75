//! What sync needs of the outside, besides the [object store](crate::objects).
//!
//! A transaction begun for a [`TenantContext`](tenantry_tenancy::TenantContext) sees and changes what belongs to that
//! organisation only. What a transaction that may write has found stays locked until its end.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use tenantry_kernel::{OrganizationId, Page, PageRequest, Revision, StorageError, Transaction, UserId};
use tenantry_tenancy::{BucketName, ProjectId, StoragePrefix};

use crate::objects::{ObjectError, ObjectKey, ObjectStore, Place, StoredPart, UploadId};
use crate::{
    Advance, Claim, Cycle, CycleFilter, CycleId, FileFilter, FileOutcome, FileRecord, FileRecordId, Hold, IndexedFile,
    KnownObject, Lease, LocalDirectory, Multipart, PartRecord, PatternSyntaxError, Patterns, PlannedFile, ProfileName,
    Run, RunEnd, RunId, Scanned, SessionFilter, SessionStats, SourceId, StoreCycleError, SyncSession, SyncSessionId,
    WorkerName,
};

/// A unit of work over what one organisation syncs.
pub trait SyncTransaction: Transaction {
    /// The cycles.
    fn cycles(&mut self) -> &mut dyn CycleRepository;
    /// The sync sessions.
    fn sync_sessions(&mut self) -> &mut dyn SyncSessionRepository;
    /// Their runs.
    fn runs(&mut self) -> &mut dyn RunRepository;
    /// Their files.
    fn files(&mut self) -> &mut dyn FileRepository;
    /// Where projects store their objects.
    fn destinations(&mut self) -> &mut dyn Destinations;
}

/// The cycles of the context's organisation.
#[async_trait]
pub trait CycleRepository: Send {
    /// The cycle.
    async fn find(&mut self, id: CycleId) -> Result<Option<Cycle>, StorageError>;
    /// The cycles that `filter` admits, the newest first.
    async fn list(&mut self, filter: CycleFilter, page: &PageRequest) -> Result<Page<Cycle>, StorageError>;
    /// Stores a new cycle; tells whether its id was new. A known id changes nothing. Numbers are unique in a project.
    async fn insert(&mut self, cycle: &Cycle) -> Result<bool, StoreCycleError>;
    /// Replaces the cycle if its stored revision is still `expected`; tells whether it was.
    async fn update(&mut self, cycle: &Cycle, expected: Revision) -> Result<bool, StoreCycleError>;
    /// Deletes the cycle if its stored revision is still `expected`; tells whether it was.
    async fn delete(&mut self, id: CycleId, expected: Revision) -> Result<bool, StorageError>;
    /// Deletes the cycles of a project; their sessions are gone already.
    async fn delete_of_project(&mut self, id: ProjectId) -> Result<(), StorageError>;
}

/// The sync sessions of the context's organisation.
#[async_trait]
pub trait SyncSessionRepository: Send {
    /// The session.
    async fn find(&mut self, id: SyncSessionId) -> Result<Option<SyncSession>, StorageError>;
    /// The sessions that `filter` admits, the newest first.
    async fn list(&mut self, filter: SessionFilter, page: &PageRequest) -> Result<Page<SyncSession>, StorageError>;
    /// What the sessions that `filter` admits come to together.
    async fn stats(&mut self, filter: SessionFilter) -> Result<SessionStats, StorageError>;
    /// Stores a new session; tells whether its id was new. A known id changes nothing.
    async fn insert(&mut self, session: &SyncSession) -> Result<bool, StorageError>;
    /// Replaces the session, but for its latest run, if its stored revision is still `expected`; tells whether it was.
    async fn update(&mut self, session: &SyncSession, expected: Revision) -> Result<bool, StorageError>;
    /// Says which run is the session's latest.
    async fn set_last_run(&mut self, id: SyncSessionId, run_id: RunId) -> Result<(), StorageError>;
    /// Says when the session's schedule comes next.
    async fn set_next_run(&mut self, id: SyncSessionId, at: Option<DateTime<Utc>>) -> Result<(), StorageError>;
    /// Says when the session's schedule comes next, if it had come by `now`; tells whether it had. Of several workers
    /// exactly one hears so.
    async fn pass_due(
        &mut self,
        id: SyncSessionId,
        now: DateTime<Utc>,
        next: Option<DateTime<Utc>>,
    ) -> Result<bool, StorageError>;
    /// Deletes the session with its runs if its stored revision is still `expected`; tells whether it was. What its
    /// files came to stays known, since their objects stay.
    async fn delete(&mut self, id: SyncSessionId, expected: Revision) -> Result<bool, StorageError>;
    /// Whether the cycle has any session.
    async fn any_of_cycle(&mut self, id: CycleId) -> Result<bool, StorageError>;
    /// Deletes the sessions of a cycle, as [`SyncSessionRepository::delete`].
    async fn delete_of_cycle(&mut self, id: CycleId) -> Result<(), StorageError>;
    /// Deletes the sessions of a project, as [`SyncSessionRepository::delete`].
    async fn delete_of_project(&mut self, id: ProjectId) -> Result<(), StorageError>;
}

/// The runs of the context's organisation.
///
/// The methods that take a [`Lease`] do nothing, and say so, once another worker has taken the run over or it has
/// ended; otherwise the run stays locked until the end of the transaction, so that nobody takes it over meanwhile.
#[async_trait]
pub trait RunRepository: Send {
    /// The run.
    async fn find(&mut self, id: RunId) -> Result<Option<Run>, StorageError>;
    /// Stores a new run; tells whether its id was new. A known id changes nothing. A session has one active run at
    /// most: whoever calls has locked the session and looked.
    async fn insert(&mut self, run: &Run) -> Result<bool, StorageError>;
    /// The active run of a session.
    async fn active_of_session(&mut self, id: SyncSessionId) -> Result<Option<RunId>, StorageError>;
    /// An active run of any of a cycle's sessions, or a direct upload for the cycle.
    async fn active_of_cycle(&mut self, id: CycleId) -> Result<Option<RunId>, StorageError>;
    /// An active run of any of a project's sessions, or a direct upload to the project.
    async fn active_of_project(&mut self, id: ProjectId) -> Result<Option<RunId>, StorageError>;
    /// Writes down how far a direct upload is, and its end: its state, whether the totals are final, its progress, its
    /// error and its times. Whoever calls has found it in the same transaction. Other runs are left as they are.
    async fn update_direct(&mut self, run: &Run) -> Result<(), StorageError>;
    /// Ends a run that is queued; asks the worker of one that is started to end it.
    async fn cancel(&mut self, id: RunId, at: DateTime<Utc>) -> Result<(), StorageError>;
    /// Holds on to a run for `duration` from now, by the store's clock.
    async fn hold(&mut self, lease: Lease, duration: Duration) -> Result<Hold, StorageError>;
    /// Says that the folder was looked through, and what that came to, in place of all progress so far.
    async fn scanned(&mut self, lease: Lease, scanned: &Scanned, at: DateTime<Utc>) -> Result<bool, StorageError>;
    /// Adds to the run's progress, unless this advance of the lease or a later one was added before.
    async fn advance(&mut self, lease: Lease, advance: &Advance, at: DateTime<Utc>) -> Result<bool, StorageError>;
    /// Puts the run back into the queue, as it is.
    async fn release(&mut self, lease: Lease, at: DateTime<Utc>) -> Result<bool, StorageError>;
    /// Ends the run.
    async fn finish(&mut self, lease: Lease, end: &RunEnd, at: DateTime<Utc>) -> Result<bool, StorageError>;
}

/// What is known of files and the objects that they became, by place and key: what is to be done, and what the store
/// holds. Whoever changes it for a run has held on to the run in the same transaction.
#[async_trait]
pub trait FileRepository: Send {
    /// The files of a session, those that failed in its latest run first, then those that wait, and so on.
    async fn list(
        &mut self,
        session: &SyncSession,
        filter: FileFilter,
        page: &PageRequest,
    ) -> Result<Page<FileRecord>, StorageError>;
    /// What is known of the keys below `prefix` that come after `after`, in the order of their bytes; those that come of
    /// `source_id` are its own.
    async fn known(
        &mut self,
        place: &Place,
        source_id: SourceId,
        prefix: &str,
        after: Option<&ObjectKey>,
        limit: u32,
    ) -> Result<Vec<KnownObject>, StorageError>;
    /// What is known of these keys, in the order of their bytes.
    async fn at(&mut self, place: &Place, keys: &[ObjectKey]) -> Result<Vec<IndexedFile>, StorageError>;
    /// What is known of these files, in the order of the bytes of their keys.
    async fn with_ids(&mut self, place: &Place, ids: &[FileRecordId]) -> Result<Vec<IndexedFile>, StorageError>;
    /// What is known of this file, wherever it is stored.
    async fn find(&mut self, id: FileRecordId) -> Result<Option<IndexedFile>, StorageError>;
    /// Says that files are to be uploaded by a run. What was known of their keys is replaced, but for their ids, the
    /// version of the object, and a multipart upload of the same file: one that is the same by its identity, and by the
    /// checksum that a client said.
    async fn plan(&mut self, place: &Place, run: &Run, files: &[PlannedFile]) -> Result<(), StorageError>;
    /// The files that a run still has to upload, by id, from behind the one named.
    async fn pending(
        &mut self,
        run: &Run,
        after: Option<FileRecordId>,
        limit: u32,
    ) -> Result<Vec<PlannedFile>, StorageError>;
    /// Says what came of files of a run; their parts are forgotten.
    async fn record(&mut self, place: &Place, run: &Run, outcomes: &[FileOutcome]) -> Result<(), StorageError>;
    /// Says which multipart upload a file has under way; parts of another one are forgotten.
    async fn begin_multipart(
        &mut self,
        run: &Run,
        file_id: FileRecordId,
        multipart: &Multipart,
    ) -> Result<(), StorageError>;
    /// Says that a file has a multipart upload under way no more, unless it has another one by now; its parts are
    /// forgotten.
    async fn end_multipart(
        &mut self,
        run: &Run,
        file_id: FileRecordId,
        upload_id: &UploadId,
    ) -> Result<(), StorageError>;
    /// Says that parts are in the store.
    async fn record_parts(&mut self, parts: &[PartRecord]) -> Result<(), StorageError>;
    /// The parts of a file that are in the store, by number.
    async fn parts(&mut self, file_id: FileRecordId) -> Result<Vec<StoredPart>, StorageError>;
    /// How many bytes of the files that a run still has to upload are in the store, as parts.
    async fn bytes_in_parts(&mut self, run: &Run) -> Result<u64, StorageError>;
    /// The multipart uploads that files below `prefix` have under way, in runs that are queued or started.
    async fn uploads_under_way(&mut self, place: &Place, prefix: &str) -> Result<Vec<UploadId>, StorageError>;
    /// Forgets keys whose objects were removed.
    async fn forget(&mut self, place: &Place, keys: &[ObjectKey]) -> Result<(), StorageError>;
    /// Hands the files of a session that failed in the run `from` to the run `to`; tells how many they are, and how
    /// many bytes.
    async fn take_failed(
        &mut self,
        session_id: SyncSessionId,
        from: RunId,
        to: RunId,
    ) -> Result<(u64, u64), StorageError>;
}

/// Where a project stores its objects.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProjectStorage {
    /// In which bucket, if not the server's own.
    pub bucket_name: Option<BucketName>,
    /// Below which prefix, if not its id.
    pub storage_prefix: Option<StoragePrefix>,
}

/// Where the projects of the context's organisation store their objects.
#[async_trait]
pub trait Destinations: Send {
    /// Where the project does; none if there is no such project. It stays until the end of a transaction that may write.
    async fn project(&mut self, id: ProjectId) -> Result<Option<ProjectStorage>, StorageError>;
}

/// The runs of all organisations, for workers.
#[async_trait]
pub trait RunQueue: Send + Sync {
    /// Takes the next run for `lease` from now, by the store's clock; none if there is none, or every organisation that
    /// has one is at `most_of_one` already. Organisations take turns; within one, the oldest run is the next. Of several
    /// workers exactly one gets a run.
    async fn claim(
        &self,
        worker: &WorkerName,
        lease: Duration,
        most_of_one: u16,
        at: DateTime<Utc>,
    ) -> Result<Option<Claim>, StorageError>;
    /// Takes runs from workers that did not hold on to them: they are queued again, and wait the longer the more workers
    /// died over them; after [`Run::MAX_CRASHES`] they are given up. A worker that advanced the run is counted as the
    /// first. Tells how many there were.
    async fn reap(&self, at: DateTime<Utc>) -> Result<u64, StorageError>;
    /// Ends direct uploads on which nothing has happened since `idle_since` as failed; answers those that it ended, a
    /// hundred at most.
    async fn end_idle(&self, idle_since: DateTime<Utc>, at: DateTime<Utc>) -> Result<Vec<Run>, StorageError>;
    /// Whether the account may act at all: it is active, and not deleted.
    async fn may_act(&self, user_id: UserId) -> Result<bool, StorageError>;
    /// The sessions whose schedule has come by `now`, at most `limit`, and in whose name they run.
    async fn due(&self, now: DateTime<Utc>, limit: u16) -> Result<Vec<DueSession>, StorageError>;
}

/// A session whose schedule has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueSession {
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// In whose name it runs.
    pub user_id: UserId,
    /// The session.
    pub session_id: SyncSessionId,
}

/// The object stores that runs write to.
#[async_trait]
pub trait ObjectStores: Send + Sync {
    /// The store of a bucket, as a profile may write to it; without them the server's own. Policy was asked before.
    ///
    /// # Errors
    /// [`ObjectError::Refused`] when there is no such profile.
    async fn open(
        &self,
        bucket: Option<&BucketName>,
        profile: Option<&ProfileName>,
    ) -> Result<Arc<dyn ObjectStore>, ObjectError>;
}

/// Wakes workers, wherever they are. They also look by themselves.
pub trait RunBell: Send + Sync {
    /// There is something to do.
    fn ring(&self);
}

/// What the operator lets organisations use.
#[async_trait]
pub trait SyncPolicy: Send + Sync {
    /// Whether the organisation may sync this folder: it is there, and below one of its roots when all links are
    /// followed. Nobody learns from the answer whether a folder elsewhere is there.
    async fn allows_directory(&self, organization_id: OrganizationId, directory: &LocalDirectory) -> bool;
    /// Whether it may write to this bucket; none is the server's own.
    fn allows_bucket(&self, organization_id: OrganizationId, bucket: Option<&BucketName>) -> bool;
    /// Whether it may use this profile.
    fn allows_profile(&self, organization_id: OrganizationId, profile: &ProfileName) -> bool;
    /// Whether the workers can read these patterns, which may take a while.
    async fn check_patterns(&self, patterns: &Patterns) -> Result<(), PatternSyntaxError>;
}
