//! Workers take jobs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use sea_orm::sea_query::Value;
use sea_orm::{ConnectionTrait, DbBackend, QueryResult};
use tenantry_application::{ClaimedJob, JobRequest};
use tenantry_kernel::{JobId, JobLease, StorageError, Transaction, UserId};
use uuid::Uuid;

use super::row::owner;
use super::statement::sql;
use crate::database_clock::milliseconds;
use crate::row::{RowReader, corrupt};
use crate::scope::Scope;
use crate::transaction::Mode;
use crate::{Database, StoreTransaction};

/// Organisations that are looked at in one turn where one may have so many jobs only: enough that those which have
/// them don't hide the others.
const LOOKED_AT: i64 = 1_000;

/// Whose turn was the last, in each queue. Each process goes round by itself, so no row has to be written for it.
#[derive(Debug, Clone, Default)]
pub(crate) struct JobTurns(Arc<Mutex<HashMap<String, Uuid>>>);

impl JobTurns {
    fn last(&self, queue: &str) -> Uuid {
        let turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        turns.get(queue).copied().unwrap_or_default()
    }

    fn set_last(&self, queue: &str, served: &[Uuid]) {
        let before = self.last(queue);
        // They were served in a circle that begins behind the last one.
        let last = served.iter().copied().max_by_key(|id| (*id <= before, *id));
        if let Some(last) = last {
            let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            turns.insert(queue.to_owned(), last);
        }
    }
}

/// The organisations that wait, in a circle that begins behind `$2`, each found by one look into an index: those after
/// it, and then those up to it. Both parts are walked no further than they are needed.
const LANES: &str = "
    WITH RECURSIVE
    after_last (lane, n) AS (
        SELECT (SELECT organization_id FROM jobs WHERE state = 'queued' AND queue = $1 AND organization_id > $2
            ORDER BY organization_id LIMIT 1), 1
        UNION ALL
        SELECT (SELECT organization_id FROM jobs WHERE state = 'queued' AND queue = $1
            AND organization_id > after_last.lane ORDER BY organization_id LIMIT 1), n + 1
        FROM after_last WHERE lane IS NOT NULL AND n < $4),
    up_to_last (lane, n) AS (
        SELECT (SELECT organization_id FROM jobs WHERE state = 'queued' AND queue = $1
            ORDER BY organization_id LIMIT 1), 1
        UNION ALL
        SELECT (SELECT organization_id FROM jobs WHERE state = 'queued' AND queue = $1
            AND organization_id > up_to_last.lane ORDER BY organization_id LIMIT 1), n + 1
        FROM up_to_last WHERE lane IS NOT NULL AND n < $4),
    lanes (lane) AS (
        SELECT lane FROM (
            SELECT lane FROM after_last WHERE lane IS NOT NULL
            UNION ALL
            SELECT lane FROM up_to_last WHERE lane <= $2) AS circle
        WHERE $5 IS NULL OR $5 > (SELECT count(*) FROM jobs AS own
            WHERE own.state = 'started' AND own.queue = $1 AND own.organization_id = circle.lane)
        LIMIT $3),";

/// Each takes its share: one job where each may have so many only.
const SHARE: &str = "(SELECT CASE WHEN $5 IS NULL AND count(*) < $3 THEN $3 / count(*) ELSE 1 END FROM lanes)";

const NEXT: &str = "SELECT next.id FROM jobs AS next
    WHERE next.state = 'queued' AND next.queue = $1 AND next.organization_id = lanes.lane
    ORDER BY next.priority DESC, next.id LIMIT {share} {skip_locked}";

const TAKE: &str = "
    UPDATE jobs SET state = 'started', lease_owner = $6, lease_epoch = lease_epoch + 1, lease_until_ms = {now} + $7,
        attempts = attempts + 1, started_at = $8
    WHERE {picked}
    RETURNING id, organization_id, user_id, kind, payload, attempts, max_attempts, lease_epoch, priority, created_at";

/// The whole statement. How a select is done once for each row of another is where the databases differ.
fn statement(backend: DbBackend) -> String {
    let (each, picked) = if backend == DbBackend::Postgres {
        // As an array, so that the planner takes the ids for few.
        (
            " (id) AS (SELECT mine.id FROM lanes CROSS JOIN LATERAL ({next}) AS mine)",
            "id = ANY (ARRAY(SELECT id FROM picked))",
        )
    } else {
        (
            " (id) AS (SELECT mine.id FROM lanes JOIN jobs AS mine ON mine.id IN ({next}))",
            "id IN (SELECT id FROM picked)",
        )
    };
    let text = [LANES, " picked", each, TAKE].concat();
    sql(backend, &text.replace("{next}", NEXT).replace("{share}", SHARE).replace("{picked}", picked))
}

impl Database {
    pub(super) async fn claim_jobs(&self, request: &JobRequest<'_>) -> Result<Vec<ClaimedJob>, StorageError> {
        // Most of the time there is none, and to find that out needs no lock of the only writer.
        if !self.is_postgres() && !self.has_queued_jobs(request.queue).await? {
            return Ok(Vec::new());
        }
        let transaction = self.begin(Scope::platform(), Mode::Write).await?;
        if request.most_of_one.is_some() {
            transaction.lock_queue(request.queue).await?;
        }
        let rows = transaction.take_jobs(request, self.job_turns().last(request.queue)).await?;
        Box::new(transaction).commit().await?;
        let mut taken = rows.iter().map(read_claimed).collect::<Result<Vec<_>, _>>()?;
        let served: Vec<Uuid> = taken.iter().map(|taken| taken.lane).collect();
        self.job_turns().set_last(request.queue, &served);
        taken.sort_unstable_by_key(|taken| (-taken.priority, taken.job.lease.job_id));
        Ok(taken.into_iter().map(|taken| taken.job).collect())
    }

    async fn has_queued_jobs(&self, queue: &str) -> Result<bool, StorageError> {
        let transaction = self.begin(Scope::platform(), Mode::Read).await?;
        let sql = "SELECT 1 FROM jobs WHERE state = 'queued' AND queue = $1 LIMIT 1".to_owned();
        Ok(!transaction.answers(sql, vec![queue.into()]).await?.is_empty())
    }
}

impl StoreTransaction {
    /// Where one organisation may have so many jobs only, workers look at what it has one after the other.
    async fn lock_queue(&self, queue: &str) -> Result<(), StorageError> {
        if !self.locks_rows() {
            return Ok(());
        }
        let sql = "SELECT pg_advisory_xact_lock(hashtextextended('tenantry jobs ' || $1, 0))".to_owned();
        self.answers(sql, vec![queue.into()]).await.map(|_| ())
    }

    async fn take_jobs(&self, request: &JobRequest<'_>, last: Uuid) -> Result<Vec<QueryResult>, StorageError> {
        let most = i64::from(request.most);
        let looked_at = if request.most_of_one.is_some() { LOOKED_AT } else { most };
        let values: Vec<Value> = vec![
            request.queue.into(),
            last.into(),
            most.into(),
            looked_at.into(),
            request.most_of_one.map(i64::from).into(),
            request.worker.into(),
            milliseconds(request.lease).into(),
            request.at.into(),
        ];
        self.answers(statement(self.get_database_backend()), values).await
    }
}

struct Taken {
    job: ClaimedJob,
    lane: Uuid,
    priority: i16,
}

fn read_claimed(row: &QueryResult) -> Result<Taken, StorageError> {
    let mut row = RowReader::new(row);
    let (id, lane): (Uuid, Uuid) = (row.take()?, row.take()?);
    let number = |number: i64, column| u32::try_from(number).or(Err(corrupt("jobs", id, column)));
    let (user_id, kind, payload) = (row.take::<Option<Uuid>>()?, row.take()?, row.take()?);
    let attempt = number(row.take()?, "attempts")?;
    let max_attempts = number(row.take()?, "max_attempts")?;
    let lease = JobLease { job_id: JobId::from_uuid(id), epoch: row.take()? };
    let priority = row.take()?;
    let job = ClaimedJob {
        lease,
        organization_id: owner(lane),
        user_id: user_id.map(UserId::from_uuid),
        kind,
        payload,
        attempt,
        max_attempts,
        created_at: row.take()?,
    };
    Ok(Taken { job, lane, priority })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_go_round() {
        let (turns, id) = (JobTurns::default(), Uuid::from_u128);
        turns.set_last("a", &[]);
        assert_eq!(turns.last("a"), Uuid::nil());
        turns.set_last("a", &[id(3), id(5), id(4)]);
        assert_eq!(turns.last("a"), id(5));
        // Behind the fifth come 6 and 7, and then 1 and 2.
        turns.set_last("a", &[id(6), id(1), id(2), id(7)]);
        assert_eq!(turns.last("a"), id(2));
        assert_eq!(turns.last("b"), Uuid::nil());
    }
}
