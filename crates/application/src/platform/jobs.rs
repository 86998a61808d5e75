use std::{fmt, sync::Arc};

use chrono::{DateTime, Utc};
use tenantry_identity::{AuditAction, AuditEntry, PlatformContext};
use tenantry_kernel::{Clock, Cursor, IdGenerator, Page, PageRequest, SortKey, StorageError, Store};
use uuid::Uuid;

use crate::ports::{JobRegister, PlatformTransaction};

/// Names a job: a ULID, so that later ones sort behind earlier ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobId(String);

/// The text is no ULID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a ULID")]
pub struct JobIdError;

impl JobId {
    /// The id that `text` spells, in upper case (<https://github.com/ulid/spec>).
    ///
    /// # Errors
    /// [`JobIdError`].
    pub fn parse(text: &str) -> Result<Self, JobIdError> {
        let is_digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'A'..=b'Z') && !b"ILOU".contains(byte);
        if text.len() == 26 && text.as_bytes().iter().all(is_digit) {
            Ok(Self(text.to_owned()))
        } else {
            Err(JobIdError)
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

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
}

impl Job {
    /// The place of the job in a list of the newest first.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        Cursor { key: SortKey::Text(self.id.0.clone()), id: Uuid::nil() }
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
    /// Only a job that waits can be cancelled.
    #[error("only a job that waits can be cancelled")]
    NotCancellable,
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// What administrators of the platform do with background jobs.
pub struct Jobs {
    register: Arc<dyn JobRegister>,
    store: Arc<dyn Store<PlatformContext, dyn PlatformTransaction>>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdGenerator>,
}

impl Jobs {
    const RETRY: AuditAction = AuditAction::of("job.retry");
    const CANCEL: AuditAction = AuditAction::of("job.cancel");

    /// The use cases over these ports.
    #[must_use]
    pub fn new(
        register: Arc<dyn JobRegister>,
        store: Arc<dyn Store<PlatformContext, dyn PlatformTransaction>>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdGenerator>,
    ) -> Self {
        Self { register, store, clock, ids }
    }

    /// The jobs that `filter` admits, the newest first.
    ///
    /// # Errors
    /// [`JobError::Storage`].
    pub async fn list(
        &self,
        _context: &PlatformContext,
        filter: &JobFilter,
        page: &PageRequest,
    ) -> Result<Page<Job>, JobError> {
        Ok(self.register.list(filter, page).await?)
    }

    /// Lets a job that failed or was cancelled be done again, with all its attempts.
    ///
    /// # Errors
    /// [`JobError::NotFound`], [`JobError::NotRetryable`].
    pub async fn retry(&self, context: &PlatformContext, id: &JobId) -> Result<Job, JobError> {
        let done = self.register.retry(id, self.clock.now()).await?;
        self.settle(context, id, done.then_some(Self::RETRY).ok_or(JobError::NotRetryable)).await
    }

    /// Cancels a job that waits.
    ///
    /// # Errors
    /// [`JobError::NotFound`], [`JobError::NotCancellable`].
    pub async fn cancel(&self, context: &PlatformContext, id: &JobId) -> Result<Job, JobError> {
        let done = self.register.cancel(id, self.clock.now()).await?;
        self.settle(context, id, done.then_some(Self::CANCEL).ok_or(JobError::NotCancellable)).await
    }

    /// Answers the job after what was done to it, or why nothing was, and tells the audit log. The queue is no part of our
    /// transactions, so here, and nowhere else, the entry comes after the act.
    async fn settle(
        &self,
        context: &PlatformContext,
        id: &JobId,
        done: Result<AuditAction, JobError>,
    ) -> Result<Job, JobError> {
        let job = self.register.find(id).await?.ok_or(JobError::NotFound)?;
        let entry = AuditEntry::success(&*self.ids, self.clock.now(), context.actor(), done?);
        let entry = entry.with("job", id.as_str()).with("kind", job.kind.as_str());
        let mut transaction = self.store.begin(context).await?;
        transaction.audit().append(&entry).await?;
        transaction.commit().await?;
        Ok(job)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_id_is_a_ulid() {
        assert!(JobId::parse("01ARZ3NDEKTSV4RRFFQ69G5FAV").is_ok());
        for text in ["", "01ARZ3NDEKTSV4RRFFQ69G5FA", "01ARZ3NDEKTSV4RRFFQ69G5FAU", "01arz3ndektsv4rrffq69g5fav"] {
            assert_eq!(JobId::parse(text), Err(JobIdError), "{text}");
        }
    }

    #[test]
    fn a_state_is_known_by_its_name() {
        for state in JobState::ALL {
            assert_eq!(state.as_str().parse(), Ok(state));
        }
        assert_eq!("Done".parse::<JobState>(), Err(JobStateError));
    }
}
