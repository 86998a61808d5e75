use std::any::Any;
use std::error::Error;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use tenantry_application::{ClaimedJob, JobEnd};
use tenantry_identity::Backoff;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use crate::handlers::{JobFailure, JobHandlers, JobRun, JobSignal};
use crate::{JobHandler, JobWaits};

/// How long a handler may take to leave off when its job was cancelled; then it is dropped.
const LEAVING_OFF: Duration = Duration::from_millis(500);

/// One attempt at a job, and how it ended. `random` is different each time.
pub(super) async fn attempt(
    handlers: &JobHandlers,
    job: ClaimedJob,
    signal: watch::Receiver<JobSignal>,
    random: Uuid,
) -> JobEnd {
    let (kind, job_id) = (job.kind.clone(), job.lease.job_id);
    let (number, most) = (job.attempt, job.max_attempts);
    let (outcome, waits) = match handlers.find(&kind) {
        Some(handler) => (handle(handler, job, signal.clone()).await, handler.waits()),
        // An older worker may meet a job of a newer one, so it is tried again.
        None => (Err(JobFailure::Again("no worker knows this kind of job".into())), JobWaits::default()),
    };
    let told_to = *signal.borrow();
    let outcome = match outcome {
        Err(JobFailure::Stopped) if told_to == JobSignal::GoOn => {
            Err(JobFailure::Again("it stopped without being told to".into()))
        }
        outcome => outcome,
    };
    let error = match outcome {
        Ok(()) => {
            tracing::debug!(%job_id, kind, "a job is done");
            return JobEnd::Done;
        }
        Err(JobFailure::Stopped) if told_to == JobSignal::Cancel => return JobEnd::Cancelled,
        Err(JobFailure::Stopped) => return JobEnd::Released,
        Err(JobFailure::Again(error)) => match wait(waits, number, most, random) {
            Some(wait) => {
                let error = told(&*error);
                tracing::warn!(%job_id, kind, attempt = number, error, ?wait, "a job failed, and is tried again");
                return JobEnd::Again { wait, error };
            }
            None => told(&*error),
        },
        Err(JobFailure::Final(error)) => told(&*error),
    };
    tracing::error!(%job_id, kind, attempt = number, error, "a job failed for good");
    JobEnd::Failed { error }
}

async fn handle(
    handler: &Arc<dyn JobHandler>,
    job: ClaimedJob,
    signal: watch::Receiver<JobSignal>,
) -> Result<(), JobFailure> {
    let limit = handler.time_limit();
    let work = AssertUnwindSafe(handler.handle(JobRun { job, signal: signal.clone() })).catch_unwind();
    let outcome = tokio::select! {
        outcome = timeout(limit, work) => outcome,
        () = cancelled_for_a_while(signal) => return Err(JobFailure::Stopped),
    };
    match outcome {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(panic)) => Err(JobFailure::Again(format!("its handler panicked: {}", words(&*panic)).into())),
        Err(_) => Err(JobFailure::Again(format!("it took longer than {} seconds", limit.as_secs_f64()).into())),
    }
}

/// Completes when the handler was told that the job is cancelled, and has had the time to leave off.
async fn cancelled_for_a_while(mut signal: watch::Receiver<JobSignal>) {
    if signal.wait_for(|signal| *signal == JobSignal::Cancel).await.is_err() {
        std::future::pending::<()>().await;
    }
    sleep(LEAVING_OFF).await;
}

/// How long to wait after the attempt of this number; none after the last.
fn wait(waits: JobWaits, number: u32, most: u32, random: Uuid) -> Option<Duration> {
    let chrono = |duration| chrono::Duration::from_std(duration).unwrap_or(chrono::Duration::MAX);
    let backoff = Backoff { first: chrono(waits.first), longest: chrono(waits.longest), tries: most };
    // The last bytes of a UUIDv7 are random.
    let random = random.as_bytes().last().copied().unwrap_or_default();
    backoff.after(number, random).map(|wait| wait.to_std().unwrap_or_default())
}

/// The error and what caused it, in one line.
fn told(error: &(dyn Error + Send + Sync + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a word")
}
