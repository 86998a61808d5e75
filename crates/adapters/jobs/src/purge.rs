use std::sync::Arc;

use apalis::prelude::{BoxDynError, Data};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tenantry_application::ports::Housekeeping;
use tenantry_kernel::Clock;

use crate::{queue::Queue, schedule::Schedule};

/// The name of the queue.
pub(crate) const QUEUE: &str = "tenantry.purge";
const VERSION: u32 = 1;

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
}

/// Removes what has expired, and the traces of old jobs.
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
    async fn run(&self, payload: Value) -> Result<(), BoxDynError> {
        if serde_json::from_value::<Purge>(payload)? != Purge::new() {
            return Err("the payload is of another version".into());
        }
        let now = self.clock.now();
        let removed = self.housekeeping.purge(now).await?;
        let jobs = self.queue.sweep(now - self.schedule.retention()).await?;
        tracing::info!(?removed, jobs, job = QUEUE, "purged what had expired");
        Ok(())
    }
}
