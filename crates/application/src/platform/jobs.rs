use std::sync::Arc;

use chrono::{DateTime, Utc};
use tenantry_identity::{AuditAction, AuditEntry, PlatformContext};
use tenantry_kernel::{
    Clock, Cursor, IdGenerator, JobId, OrganizationId, Page, PageRequest, SortKey, StorageError, Store,
};

use crate::MAIL_KIND;
use crate::ports::PlatformTransaction;

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobState {
    /// It waits for a worker, or for its time.
    Pending,
    /// A worker is at it.
    Running,
    /// It is done.
    Done,
    /// It failed, and is not tried again by itself.
    Failed,
    /// It was cancelled before it ran.
    Cancelled,
}

/// The name is of no state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be pending, running, done, failed or cancelled")]
pub struct JobStateError;

impl JobState {
    /// Every state.
    pub const ALL: [Self; 5] = [Self::Pending, Self::Running, Self::Done, Self::Failed, Self::Cancelled];

    /// The name that is shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

impl std::str::FromStr for JobState {
    type Err = JobStateError;

    fn from_str(name: &str) -> Result<Self, JobStateError> {
        Self::ALL.into_iter().find(|state| state.as_str() == name).ok_or(JobStateError)
    }
}

/// A piece of background work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Names it.
    pub id: JobId,
    /// Whose it is; none for the platform's own.
    pub organization_id: Option<OrganizationId>,
    /// The queue that it waits in.
    pub queue: String,
    /// What kind of work it is.
    pub kind: String,
    /// How far it is.
    pub state: JobState,
    /// How often it was tried.
    pub attempts: u32,
    /// How often it is tried at most.
    pub max_attempts: u32,
    /// Not to be done before.
    pub run_at: DateTime<Utc>,
    /// When a worker last took it.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// The worker that last took it.
    pub worker: Option<String>,
    /// Why the last attempt failed.
    pub last_error: Option<String>,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
}

impl Job {
    /// The place of the job in a list of the newest first, which is one by ids.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        Cursor { key: SortKey::Null, id: self.id.as_uuid() }
    }
}

/// Which jobs to list; what is `None` does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobFilter {
    /// How far they are.
    pub state: Option<JobState>,
    /// Of which kind.
    pub kind: Option<String>,
}

/// Something about a job failed.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// There is no such job.
    #[error("not found")]
    NotFound,
    /// Only a job that failed or was cancelled can be done again.
    #[error("only a job that has failed or was cancelled can be retried")]
    NotRetryable,
    /// Only a job that waits or is under way can be cancelled, and a mail that waits.
    #[error("only a job that waits or is under way can be cancelled, and a mail that waits")]
    NotCancellable,
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// What administrators of the platform do with background jobs.
pub struct Jobs {
    store: Arc<dyn Store<PlatformContext, dyn PlatformTransaction>>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdGenerator>,
    mail_tries: u32,
}

impl Jobs {
    const RETRY: AuditAction = AuditAction::of("job.retry");
    const CANCEL: AuditAction = AuditAction::of("job.cancel");

    /// The use cases over these ports; a mail is tried `mail_tries` times at most.
    #[must_use]
    pub fn new(
        store: Arc<dyn Store<PlatformContext, dyn PlatformTransaction>>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdGenerator>,
        mail_tries: u32,
    ) -> Self {
        Self { store, clock, ids, mail_tries }
    }

    /// The jobs that `filter` admits, the newest first.
    ///
    /// # Errors
    /// [`JobError::Storage`].
    pub async fn list(
        &self,
        context: &PlatformContext,
        filter: &JobFilter,
        page: &PageRequest,
    ) -> Result<Page<Job>, JobError> {
        let mut transaction = self.store.read(context).await?;
        let mut page = transaction.jobs().list(filter, page).await?;
        page.items = page.items.into_iter().map(|job| self.complete(job)).collect();
        Ok(page)
    }

    /// Lets a job that failed or was cancelled be done again, with all its attempts.
    ///
    /// # Errors
    /// [`JobError::NotFound`], [`JobError::NotRetryable`].
    pub async fn retry(&self, context: &PlatformContext, id: JobId) -> Result<Job, JobError> {
        let mut transaction = self.store.begin(context).await?;
        let is_done = transaction.jobs().retry(id, self.clock.now()).await?;
        let act = if is_done { Ok(Self::RETRY) } else { Err(JobError::NotRetryable) };
        self.tell(context, transaction, id, act).await
    }

    /// Cancels a job that waits, or asks the worker of one that is under way to end it.
    ///
    /// # Errors
    /// [`JobError::NotFound`], [`JobError::NotCancellable`].
    pub async fn cancel(&self, context: &PlatformContext, id: JobId) -> Result<Job, JobError> {
        let mut transaction = self.store.begin(context).await?;
        let is_done = transaction.jobs().cancel(id, self.clock.now()).await?;
        let act = if is_done { Ok(Self::CANCEL) } else { Err(JobError::NotCancellable) };
        self.tell(context, transaction, id, act).await
    }

    /// Commits what was done to the job with an entry of the audit log, and answers the job; or says why nothing was.
    async fn tell(
        &self,
        context: &PlatformContext,
        mut transaction: Box<dyn PlatformTransaction>,
        id: JobId,
        act: Result<AuditAction, JobError>,
    ) -> Result<Job, JobError> {
        let job = transaction.jobs().find(id).await?.ok_or(JobError::NotFound)?;
        let entry = AuditEntry::success(&*self.ids, self.clock.now(), context.actor(), act?);
        let entry = entry.with("job", id.to_string()).with("kind", job.kind.as_str());
        transaction.audit().append(&entry).await?;
        transaction.commit().await?;
        Ok(self.complete(job))
    }

    /// How often a mail is tried is known by the settings, and not by the store.
    fn complete(&self, job: Job) -> Job {
        if job.kind == MAIL_KIND { Job { max_attempts: self.mail_tries, ..job } } else { job }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_known_by_its_name() {
        for state in JobState::ALL {
            assert_eq!(state.as_str().parse(), Ok(state));
        }
        assert_eq!("Done".parse::<JobState>(), Err(JobStateError));
    }
}
