use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tenantry_application::ports::{Housekeeping, PurgeLimits};
use tenantry_kernel::{Clock, IdGenerator, JobKey, JobKind, NewJob};

use crate::schedule::Schedule;
use crate::{JobFailure, JobHandler, JobRun, MAIN_QUEUE};

pub(crate) const PURGE: JobKind = JobKind { name: "tenantry.purge", queue: MAIN_QUEUE, max_attempts: 5 };

const VERSION: u32 = 1;

/// Further back there may be no such time.
const CENTURY: Duration = Duration::from_hours(36_525 * 24);

/// What a purge is told: nothing but how to read it.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Payload {
    version: u32,
}

/// The purge of a period, which is there once however many ask for it.
pub(crate) fn purge_of(schedule: Schedule, clock: &dyn Clock, ids: &dyn IdGenerator) -> NewJob {
    let now = clock.now();
    let key = JobKey::Once(schedule.period(now).to_string());
    NewJob::of_platform(PURGE, json!({ "version": VERSION }), now, ids).keyed(key)
}

/// Removes what has expired, and erases accounts deleted long enough ago.
pub(crate) struct Purge {
    pub(crate) housekeeping: Arc<dyn Housekeeping>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) erase_after: Duration,
    pub(crate) keep_runs: Duration,
}

#[async_trait]
impl JobHandler for Purge {
    async fn handle(&self, run: JobRun) -> Result<(), JobFailure> {
        let payload: Payload =
            serde_json::from_value(run.job.payload).map_err(|error| JobFailure::Final(error.into()))?;
        if payload != (Payload { version: VERSION }) {
            return Err(JobFailure::Final("the payload is of another version".into()));
        }
        let now = self.clock.now();
        let ago = |age: Duration| now - age.min(CENTURY);
        let limits = PurgeLimits { now, erase_deleted_by: ago(self.erase_after), runs_ended_by: ago(self.keep_runs) };
        let removed = self.housekeeping.purge(limits).await?;
        tracing::info!(?removed, "purged what had expired");
        Ok(())
    }
}
