use apalis::prelude::{Task, TaskBuilder};
use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::{PgPool, SqlitePool};

use crate::{JobsError, QueueDatabase};

/// The bell of one kind of job.
#[derive(Debug, Clone)]
pub(crate) struct Queue {
    pub(crate) database: QueueDatabase,
    /// The kind of job, as its rows name it.
    pub(crate) name: &'static str,
}

impl Queue {
    /// Rings once for `key`: however many ring, and whether or not the job was done already, there is one job.
    pub(crate) async fn ring<P: Serialize + Sync>(&self, payload: &P, key: &str) -> Result<(), JobsError> {
        let payload = serde_json::to_vec(payload).map_err(|error| JobsError::Queue(error.into()))?;
        // The queue would try a failed job again at once; when to do so is ours to say.
        let task = TaskBuilder::new(payload).idempotency_key(key).max_attempts(1).build();
        match &self.database {
            QueueDatabase::Sqlite(pool) => self.ring_sqlite(pool, task).await,
            QueueDatabase::Postgres(pool) => self.ring_postgres(pool, task).await,
        }
    }

    async fn ring_sqlite(&self, pool: &SqlitePool, task: Task<Vec<u8>>) -> Result<(), JobsError> {
        let mut connection = pool.acquire().await?;
        // A known key is ignored.
        Ok(apalis_sqlite::queries::push_tasks(&mut *connection, self.name, &[task]).await?)
    }

    async fn ring_postgres(&self, pool: &PgPool, task: Task<Vec<u8>>) -> Result<(), JobsError> {
        let mut connection = pool.acquire().await?;
        match apalis_postgres::queries::push_tasks(&mut *connection, self.name, vec![task]).await {
            Err(apalis_postgres::Error::Database(error)) if is_known_key(&error) => Ok(()),
            outcome => Ok(outcome?),
        }
    }

    /// Deletes the jobs that ended before `until`, and the workers last seen before it.
    pub(crate) async fn sweep(&self, until: DateTime<Utc>) -> Result<u64, JobsError> {
        Ok(match &self.database {
            QueueDatabase::Sqlite(pool) => sweep_sqlite(pool, self.name, until.timestamp()).await?,
            QueueDatabase::Postgres(pool) => sweep_postgres(pool, self.name, until).await?,
        })
    }
}

fn is_known_key(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(sqlx::error::DatabaseError::is_unique_violation)
}

async fn sweep_sqlite(pool: &SqlitePool, queue: &str, until: i64) -> Result<u64, sqlx::Error> {
    let jobs = "DELETE FROM Jobs WHERE job_type = ?1 AND done_at < ?2
        AND (status IN ('Done', 'Killed') OR (status = 'Failed' AND attempts >= max_attempts))";
    let workers = "DELETE FROM Workers WHERE worker_type = ?1 AND last_seen < ?2
        AND NOT EXISTS (SELECT 1 FROM Jobs WHERE lock_by = Workers.id)";
    let swept = sqlx::query(jobs).bind(queue).bind(until).execute(pool).await?.rows_affected();
    sqlx::query(workers).bind(queue).bind(until).execute(pool).await?;
    Ok(swept)
}

async fn sweep_postgres(pool: &PgPool, queue: &str, until: DateTime<Utc>) -> Result<u64, sqlx::Error> {
    let jobs = "DELETE FROM apalis.jobs WHERE job_type = $1 AND done_at < $2
        AND (status IN ('Done', 'Killed') OR (status = 'Failed' AND attempts >= max_attempts))";
    let workers = "DELETE FROM apalis.workers w WHERE worker_type = $1 AND last_seen < $2
        AND NOT EXISTS (SELECT FROM apalis.jobs WHERE lock_by = w.id)";
    let swept = sqlx::query(jobs).bind(queue).bind(until).execute(pool).await?.rows_affected();
    sqlx::query(workers).bind(queue).bind(until).execute(pool).await?;
    Ok(swept)
}
