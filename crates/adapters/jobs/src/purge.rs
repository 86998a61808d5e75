use std::sync::Arc;
use std::time::Duration;

use apalis::prelude::{BoxDynError, Data};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tenantry_application::ports::{Housekeeping, PurgeLimits};
use tenantry_kernel::Clock;

use crate::{queue::Queue, schedule::Schedule};

/// The name of the queue.
pub(crate) const QUEUE: &str = "tenantry.purge";
const VERSION: u32 = 1;

/// Further back there may be no such time.
const CENTURY: Duration = Duration::from_hours(36_525 * 24);

/// What a ring for a purge says: nothing but how to read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Purge {
    version: u32,
}

impl Purge {
    pub(crate) fn new() -> Self {
        Self { version: VERSION }
    }
}

/// What a purge needs.
pub(crate) struct PurgeJob {
    pub(crate) housekeeping: Arc<dyn Housekeeping>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) queue: Queue,
    pub(crate) schedule: Schedule,
    pub(crate) erase_after: Duration,
}

/// Removes what has expired, erases accounts deleted long enough ago, and sweeps the traces of old jobs.
///
/// The payload comes undecoded: one that the queue itself couldn't decode would end the worker, and the next one too.
/// The work is a task of its own, since an error of the queue drops what its worker is at, and a panic would leave the
/// worker with a task that never ends.
pub(crate) async fn purge(payload: Value, job: Data<Arc<PurgeJob>>) -> Result<(), BoxDynError> {
    let job = Arc::clone(&job);
    let outcome = tokio::spawn(async move { job.run(payload).await }).await.unwrap_or_else(|error| Err(error.into()));
    if let Err(error) = &outcome {
        tracing::error!(error, job = QUEUE, "a job failed");
    }
    outcome
}

impl PurgeJob {
    pub(crate) async fn run(&self, payload: Value) -> Result<(), BoxDynError> {
        if serde_json::from_value::<Purge>(payload)? != Purge::new() {
            return Err("the payload is of another version".into());
        }
        let now = self.clock.now();
        let limits = PurgeLimits { now, erase_deleted_by: now - self.erase_after.min(CENTURY) };
        let removed = self.housekeeping.purge(limits).await?;
        let jobs = self.queue.sweep(now - self.schedule.retention()).await?;
        tracing::info!(?removed, jobs, job = QUEUE, "purged what had expired");
        Ok(())
    }
}
