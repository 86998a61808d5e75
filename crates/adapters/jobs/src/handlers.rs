use std::collections::HashMap;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tenantry_application::ClaimedJob;
use tenantry_kernel::StorageError;
use tokio::sync::watch;

/// Does the jobs of one kind.
#[async_trait]
pub trait JobHandler: Send + Sync {
    /// Does the job.
    ///
    /// A job whose worker dies is done again, so whatever this does must bear being done twice: store it in a
    /// transaction that begins by holding the job's lease, and ends the job if nothing is left to do.
    ///
    /// It is dropped when it takes longer than [`JobHandler::time_limit`], when the job was lost to another worker, half a
    /// second after it was told that the job is cancelled, and when the worker has to stop and can't wait any longer.
    async fn handle(&self, run: JobRun) -> Result<(), JobFailure>;

    /// Whether a job that is done has been ended by the handler itself, in the transaction of what it stored last.
    fn ends_its_jobs(&self) -> bool {
        false
    }

    /// How long an attempt may take.
    fn time_limit(&self) -> Duration {
        Duration::from_hours(1)
    }

    /// How long a job that failed waits before it is tried again.
    fn waits(&self) -> JobWaits {
        JobWaits::default()
    }
}

/// The first wait after a failed attempt, and the longest: each further one doubles it, up to a quarter shorter by
/// chance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobWaits {
    /// After the first attempt.
    pub first: Duration,
    /// After however many.
    pub longest: Duration,
}

impl Default for JobWaits {
    /// 2 seconds, and an hour.
    fn default() -> Self {
        Self { first: Duration::from_secs(2), longest: Duration::from_hours(1) }
    }
}

/// Why an attempt failed.
#[derive(Debug, thiserror::Error)]
pub enum JobFailure {
    /// It may be well another time.
    #[error(transparent)]
    Again(Box<dyn Error + Send + Sync>),
    /// It would fail each time.
    #[error(transparent)]
    Final(Box<dyn Error + Send + Sync>),
    /// It was told to stop, and did. Another worker begins anew, unless the job was cancelled.
    #[error("it was told to stop")]
    Stopped,
}

impl From<StorageError> for JobFailure {
    fn from(error: StorageError) -> Self {
        Self::Again(error.into())
    }
}

/// What a handler is told while it works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobSignal {
    /// Go on.
    GoOn,
    /// The worker has to stop soon.
    Stop,
    /// Somebody has cancelled the job.
    Cancel,
}

/// One attempt at a job.
pub struct JobRun {
    /// The job.
    pub job: ClaimedJob,
    pub(crate) signal: watch::Receiver<JobSignal>,
}

impl JobRun {
    /// Waits until the handler is told to stop. One that can leave off in order does so then, and answers
    /// [`JobFailure::Stopped`].
    pub async fn told_to_stop(&mut self) -> JobSignal {
        let told = self.signal.wait_for(|signal| *signal != JobSignal::GoOn).await;
        told.map_or(JobSignal::Stop, |signal| *signal)
    }
}

/// Who does which kind of job.
#[derive(Default)]
pub struct JobHandlers(HashMap<&'static str, Arc<dyn JobHandler>>);

impl JobHandlers {
    /// The same, and this kind is done by `handler`.
    #[must_use]
    pub fn with(mut self, kind: &'static str, handler: Arc<dyn JobHandler>) -> Self {
        self.0.insert(kind, handler);
        self
    }

    pub(crate) fn find(&self, kind: &str) -> Option<&Arc<dyn JobHandler>> {
        self.0.get(kind)
    }
}
