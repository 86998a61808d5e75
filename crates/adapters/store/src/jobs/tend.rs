//! Looking after the queue: jobs whose time has come, jobs whose workers are gone, and jobs that nobody needs any more.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, Utc};
use sea_orm::ConnectionTrait;
use tenantry_application::{JobRetention, MAX_JOB_CRASHES, TendedJobs};
use tenantry_kernel::{StorageError, Transaction};

use super::row::{CANCELLED, FAILED, FINISHED};
use super::statement::sql;
use crate::row::RowReader;
use crate::scope::Scope;
use crate::transaction::Mode;
use crate::{Database, StoreTransaction};

/// Rows that one statement changes or removes at most.
const BATCH: i64 = 1_000;

/// How long it is until the next delayed job's time comes, and how many leases have run out.
const LOOK: &str = "SELECT (SELECT min(run_after_ms) FROM jobs WHERE state = 'delayed') - {now},
    (SELECT count(*) FROM jobs WHERE state = 'started' AND lease_until_ms < {now})";

const WAKE: &str = "UPDATE jobs SET state = 'queued' WHERE id IN (SELECT due.id FROM jobs AS due
        WHERE due.state = 'delayed' AND due.run_after_ms <= {now} ORDER BY due.run_after_ms LIMIT $1 {skip_locked})
    RETURNING queue";

/// The first death says little of the job; it may have been the machine's. Later ones make it wait 1, 2 and 4 seconds. What
/// was cancelled meanwhile has ended. The epoch grows, so that the worker, should it live, is refused.
const TAKE_AWAY: &str = "UPDATE jobs SET crashes = crashes + 1, attempts = attempts - 1,
        lease_epoch = lease_epoch + 1, lease_until_ms = NULL,
        state = CASE WHEN cancel_requested THEN 'cancelled' WHEN crashes + 1 >= $2 THEN 'failed' WHEN crashes = 0 THEN 'queued' ELSE 'delayed' END,
        run_after_ms = CASE WHEN crashes = 0 THEN run_after_ms ELSE {now} + 1000 * (1 << CAST(crashes - 1 AS integer)) END,
        last_error = CASE WHEN crashes + 1 >= $2 THEN 'given up after ' || (crashes + 1) || ' workers that tried it died'
            ELSE 'the worker that tried it died, or was silent for too long' END,
        finished_at = CASE WHEN cancel_requested OR crashes + 1 >= $2 THEN $3 END,
        unique_key = CASE WHEN keeps_key OR (NOT cancel_requested AND crashes + 1 < $2) THEN unique_key END
    WHERE id IN (SELECT lost.id FROM jobs AS lost
        WHERE lost.state = 'started' AND lost.lease_until_ms < {now} LIMIT $1 {skip_locked})
    RETURNING queue, state";

const REMOVE: &str = "DELETE FROM jobs WHERE id IN (SELECT old.id FROM jobs AS old
        WHERE old.state = $1 AND old.finished_at < $2 ORDER BY old.finished_at LIMIT $3 {skip_locked})
    RETURNING 1";

impl Database {
    pub(super) async fn tend_jobs(&self, at: DateTime<Utc>) -> Result<TendedJobs, StorageError> {
        let (until_next, lost) = self.begin(Scope::platform(), Mode::Read).await?.look_at_jobs().await?;
        let is_due = until_next.is_some_and(|milliseconds| milliseconds <= 0);
        // Of those that are due now there may be more than one look takes.
        let next = until_next.map(|rest| Duration::from_millis(u64::try_from(rest).unwrap_or_default()));
        if !is_due && lost == 0 {
            return Ok(TendedJobs { next, ..TendedJobs::default() });
        }
        let transaction = self.begin(Scope::platform(), Mode::Write).await?;
        let mut queues = BTreeSet::new();
        if is_due {
            queues.extend(transaction.wake_jobs().await?);
        }
        let taken = transaction.take_jobs_away(at).await?;
        Box::new(transaction).commit().await?;
        let given_up = taken.iter().filter(|(_, state)| state == FAILED).count();
        let lost = count(taken.len());
        queues.extend(taken.into_iter().filter(|(_, state)| state != FAILED).map(|(queue, _)| queue));
        Ok(TendedJobs { queues: queues.into_iter().collect(), lost, given_up: count(given_up), next })
    }

    pub(super) async fn sweep_jobs(&self, retention: JobRetention) -> Result<u64, StorageError> {
        let JobRetention { ended_by, failed_by } = retention;
        let mut total = 0;
        for (state, until) in [(FINISHED, ended_by), (CANCELLED, ended_by), (FAILED, failed_by)] {
            loop {
                let transaction = self.begin(Scope::platform(), Mode::Write).await?;
                let text = sql(transaction.get_database_backend(), REMOVE);
                let rows = transaction.answers(text, vec![state.into(), until.into(), BATCH.into()]).await?;
                Box::new(transaction).commit().await?;
                total += count(rows.len());
                if rows.len() < usize::try_from(BATCH).unwrap_or_default() {
                    break;
                }
            }
        }
        Ok(total)
    }
}

impl StoreTransaction {
    async fn look_at_jobs(&self) -> Result<(Option<i64>, i64), StorageError> {
        let rows = self.answers(sql(self.get_database_backend(), LOOK), Vec::new()).await?;
        let Some(row) = rows.first() else { return Ok((None, 0)) };
        let mut row = RowReader::new(row);
        Ok((row.take()?, row.take()?))
    }

    async fn wake_jobs(&self) -> Result<Vec<String>, StorageError> {
        let rows = self.answers(sql(self.get_database_backend(), WAKE), vec![BATCH.into()]).await?;
        rows.iter().map(|row| RowReader::new(row).take()).collect()
    }

    /// Answers queue and new state of each.
    async fn take_jobs_away(&self, at: DateTime<Utc>) -> Result<Vec<(String, String)>, StorageError> {
        let values = vec![BATCH.into(), i64::from(MAX_JOB_CRASHES).into(), at.into()];
        let rows = self.answers(sql(self.get_database_backend(), TAKE_AWAY), values).await?;
        let read = |row| {
            let mut row = RowReader::new(row);
            Ok((row.take()?, row.take()?))
        };
        rows.iter().map(read).collect()
    }
}

fn count(rows: usize) -> u64 {
    u64::try_from(rows).unwrap_or(u64::MAX)
}
