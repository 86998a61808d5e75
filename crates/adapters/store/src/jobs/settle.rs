//! What workers say of the jobs that they have. Every statement names the epoch of each lease, so that a worker which was
//! thought dead and comes back changes nothing.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sea_orm::ConnectionTrait;
use sea_orm::sea_query::Value;
use tenantry_application::{HeldJob, JobEnd};
use tenantry_kernel::{JobId, JobLease, StorageError};

use super::row::{CANCELLED, DELAYED, FAILED, FINISHED, QUEUED};
use super::statement::{rows_of_parameters, sql};
use crate::StoreTransaction;
use crate::database_clock::milliseconds;
use crate::padding::padded;
use crate::row::RowReader;

/// The longest text that is kept of an error.
const LONGEST_ERROR: usize = 2_000;

const SETTLE: &str = "
    WITH ended (job, epoch, next, wait, why, undone) AS (VALUES {rows})
    UPDATE jobs SET state = {next}, lease_until_ms = NULL, attempts = attempts - ended.undone,
        run_after_ms = CASE WHEN ended.wait IS NULL THEN run_after_ms ELSE {now} + ended.wait END,
        last_error = CASE WHEN ended.undone = 1 THEN last_error ELSE ended.why END,
        finished_at = CASE WHEN {next} IN ('finished', 'failed', 'cancelled') THEN $1 END,
        unique_key = CASE WHEN keeps_key OR {next} IN ('queued', 'delayed') THEN unique_key END
    FROM ended WHERE jobs.id = ended.job AND jobs.lease_epoch = ended.epoch AND jobs.state = 'started'
    RETURNING id";

/// What was cancelled, and did not end otherwise, waits no more.
const NEXT: &str =
    "CASE WHEN cancel_requested AND ended.next IN ('queued', 'delayed') THEN 'cancelled' ELSE ended.next END";

const HOLD: &str = "
    WITH held (job, epoch) AS (VALUES {rows})
    UPDATE jobs SET lease_until_ms = {now} + $1
    FROM held WHERE jobs.id = held.job AND jobs.lease_epoch = held.epoch AND jobs.state = 'started'
    RETURNING id, cancel_requested";

/// What an end means for the row: its state, how long it waits, why, and whether the attempt doesn't count.
fn parameters(end: &JobEnd) -> [Value; 4] {
    let (state, wait, error, undone) = match end {
        JobEnd::Done => (FINISHED, None, None, 0),
        JobEnd::Again { wait, error } => (DELAYED, Some(milliseconds(*wait)), Some(shortened(error)), 0),
        JobEnd::Failed { error } => (FAILED, None, Some(shortened(error)), 0),
        JobEnd::Cancelled => (CANCELLED, None, None, 0),
        JobEnd::Released => (QUEUED, None, None, 1_i64),
    };
    [state.into(), wait.into(), error.into(), undone.into()]
}

fn shortened(error: &str) -> String {
    // PostgreSQL takes no NUL.
    error.chars().filter(|character| *character != '\0').take(LONGEST_ERROR).collect()
}

impl StoreTransaction {
    /// Stores up to [`super::statement::ROWS`] ends; answers those that counted.
    pub(super) async fn settle_jobs(
        &self,
        ended: &[(JobLease, JobEnd)],
        at: DateTime<Utc>,
    ) -> Result<Vec<JobId>, StorageError> {
        let Some(last) = ended.last() else { return Ok(Vec::new()) };
        let count = padded(ended.len());
        let mut values: Vec<Value> = Vec::with_capacity(1 + 6 * count);
        values.push(at.into());
        for (lease, end) in ended.iter().chain(std::iter::repeat(last)).take(count) {
            values.extend([Value::from(lease.job_id.as_uuid()), lease.epoch.into()]);
            values.extend(parameters(end));
        }
        let text = SETTLE.replace("{next}", NEXT).replace("{rows}", &rows_of_parameters(1, count, 6));
        let rows = self.answers(sql(self.get_database_backend(), &text), values).await?;
        rows.iter().map(|row| RowReader::new(row).take().map(JobId::from_uuid)).collect()
    }

    /// Holds on to up to [`super::statement::ROWS`] jobs; answers those that are still the worker's.
    pub(super) async fn hold_jobs(&self, leases: &[JobLease], lease: Duration) -> Result<Vec<HeldJob>, StorageError> {
        let Some(last) = leases.last() else { return Ok(Vec::new()) };
        let count = padded(leases.len());
        let mut values: Vec<Value> = Vec::with_capacity(1 + 2 * count);
        values.push(milliseconds(lease).into());
        for lease in leases.iter().chain(std::iter::repeat(last)).take(count) {
            values.extend([Value::from(lease.job_id.as_uuid()), lease.epoch.into()]);
        }
        let text = HOLD.replace("{rows}", &rows_of_parameters(1, count, 2));
        let rows = self.answers(sql(self.get_database_backend(), &text), values).await?;
        let read = |row| {
            let mut row = RowReader::new(row);
            Ok(HeldJob { job_id: JobId::from_uuid(row.take()?), cancel_requested: row.take()? })
        };
        rows.iter().map(read).collect()
    }
}
