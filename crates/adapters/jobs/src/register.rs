//! The jobs of the queue, for those who look after it.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::FromRow;
use tenantry_application::ports::JobRegister;
use tenantry_application::{Job, JobFilter, JobId, JobState};
use tenantry_kernel::{Page, PageRequest, SortKey, StorageError};

use crate::QueueDatabase;

/// Lists, retries and cancels the jobs of the queue.
#[derive(Debug, Clone)]
pub struct Register {
    database: QueueDatabase,
}

/// A job as both databases answer it; times are seconds since 1970.
#[derive(FromRow)]
struct Row {
    id: String,
    kind: String,
    state: String,
    attempts: i64,
    max_attempts: i64,
    run_at: i64,
    lock_at: Option<i64>,
    done_at: Option<i64>,
    lock_by: Option<String>,
    last_result: Option<String>,
}

#[derive(Debug, thiserror::Error)]
#[error("the cursor was made for a list in another order")]
struct ForeignCursor;

/// The select `job`, which both databases answer alike, and what is asked of it. A job that failed and has attempts left
/// waits for the next.
macro_rules! from_jobs {
    (sqlite, $rest:literal) => {
        from_jobs!("attempts, max_attempts, run_at, lock_at, done_at, lock_by, last_result FROM Jobs", $rest)
    };
    (postgres, $rest:literal) => {
        from_jobs!(
            "attempts::bigint AS attempts, max_attempts::bigint AS max_attempts,
                extract(epoch FROM run_at)::bigint AS run_at, extract(epoch FROM lock_at)::bigint AS lock_at,
                extract(epoch FROM done_at)::bigint AS done_at, lock_by, last_result::text AS last_result
                FROM apalis.jobs",
            $rest
        )
    };
    ($columns:literal, $rest:literal) => {
        concat!(
            "WITH job AS (SELECT id, job_type AS kind, CASE
                WHEN status IN ('Queued', 'Running') THEN 'running'
                WHEN status = 'Done' THEN 'done'
                WHEN status = 'Killed' THEN 'cancelled'
                WHEN status = 'Failed' AND attempts >= max_attempts THEN 'failed'
                ELSE 'pending' END AS state, ",
            $columns,
            ") ",
            $rest
        )
    };
}

/// Runs a query on the queue, which the two databases spell differently.
macro_rules! on_queue {
    ($self:ident, $fetch:ident, $query:ident($sqlite:expr, $postgres:expr) $(, $bound:expr)*) => {
        match &$self.database {
            QueueDatabase::Sqlite(pool) => sqlx::$query($sqlite)$(.bind($bound))*.$fetch(pool).await.map_err(storage),
            QueueDatabase::Postgres(pool) => {
                sqlx::$query($postgres)$(.bind($bound))*.$fetch(pool).await.map_err(storage)
            }
        }
    };
}

const SQLITE_LIST: &str = from_jobs!(
    sqlite,
    "SELECT * FROM job WHERE ($1 IS NULL OR state = $1) AND ($2 IS NULL OR kind = $2) AND ($3 IS NULL OR id < $3)
        ORDER BY id DESC LIMIT $4 OFFSET $5"
);
const POSTGRES_LIST: &str = from_jobs!(
    postgres,
    "SELECT * FROM job WHERE ($1::text IS NULL OR state = $1) AND ($2::text IS NULL OR kind = $2)
        AND ($3::text IS NULL OR id < $3) ORDER BY id DESC LIMIT $4 OFFSET $5"
);
const SQLITE_COUNT: &str =
    from_jobs!(sqlite, "SELECT count(*) FROM job WHERE ($1 IS NULL OR state = $1) AND ($2 IS NULL OR kind = $2)");
const POSTGRES_COUNT: &str = from_jobs!(
    postgres,
    "SELECT count(*) FROM job WHERE ($1::text IS NULL OR state = $1) AND ($2::text IS NULL OR kind = $2)"
);
const SQLITE_FIND: &str = from_jobs!(sqlite, "SELECT * FROM job WHERE id = $1");
const POSTGRES_FIND: &str = from_jobs!(postgres, "SELECT * FROM job WHERE id = $1");
const SQLITE_RETRY: &str = "UPDATE Jobs SET status = 'Pending', attempts = 0, run_at = $2, done_at = NULL,
    lock_at = NULL, lock_by = NULL, last_result = NULL
    WHERE id = $1 AND (status = 'Killed' OR (status = 'Failed' AND attempts >= max_attempts))";
const POSTGRES_RETRY: &str = "UPDATE apalis.jobs SET status = 'Pending', attempts = 0, run_at = to_timestamp($2),
    done_at = NULL, lock_at = NULL, lock_by = NULL, last_result = NULL
    WHERE id = $1 AND (status = 'Killed' OR (status = 'Failed' AND attempts >= max_attempts))";
const SQLITE_CANCEL: &str = "UPDATE Jobs SET status = 'Killed', done_at = $2
    WHERE id = $1 AND (status = 'Pending' OR (status = 'Failed' AND attempts < max_attempts))";
const POSTGRES_CANCEL: &str = "UPDATE apalis.jobs SET status = 'Killed', done_at = to_timestamp($2)
    WHERE id = $1 AND (status = 'Pending' OR (status = 'Failed' AND attempts < max_attempts))";

impl Register {
    /// The register of the queue of `database`, which [`crate::migrate`] has made.
    #[must_use]
    pub fn new(database: QueueDatabase) -> Self {
        Self { database }
    }

    async fn count(&self, filter: &JobFilter) -> Result<u64, StorageError> {
        let state = filter.state.map(JobState::as_str);
        let count: i64 =
            on_queue!(self, fetch_one, query_scalar(SQLITE_COUNT, POSTGRES_COUNT), state, filter.kind.as_deref())?;
        Ok(u64::try_from(count).unwrap_or_default())
    }

    /// Whether the change met a row.
    async fn change(&self, sqlite: &'static str, postgres: &'static str, id: &JobId, now: DateTime<Utc>) -> Changed {
        let (id, now) = (id.as_str(), now.timestamp());
        match &self.database {
            QueueDatabase::Sqlite(pool) => {
                let done = sqlx::query(sqlite).bind(id).bind(now).execute(pool).await.map_err(storage)?;
                Ok(done.rows_affected() == 1)
            }
            QueueDatabase::Postgres(pool) => {
                let done = sqlx::query(postgres).bind(id).bind(now).execute(pool).await.map_err(storage)?;
                Ok(done.rows_affected() == 1)
            }
        }
    }
}

type Changed = Result<bool, StorageError>;

#[async_trait]
impl JobRegister for Register {
    async fn list(&self, filter: &JobFilter, page: &PageRequest) -> Result<Page<Job>, StorageError> {
        let size = i64::from(page.limit().get());
        let (after, offset, total) = match page {
            PageRequest::Number { page, .. } => {
                let skipped = i64::try_from(page.saturating_sub(1)).unwrap_or(i64::MAX).saturating_mul(size);
                (None, skipped, Some(self.count(filter).await?))
            }
            PageRequest::After { cursor, .. } => match &cursor.key {
                SortKey::Text(id) => (Some(id.as_str()), 0, None),
                _ => return Err(StorageError::Internal(ForeignCursor.into())),
            },
        };
        let (state, kind) = (filter.state.map(JobState::as_str), filter.kind.as_deref());
        let rows: Vec<Row> =
            on_queue!(self, fetch_all, query_as(SQLITE_LIST, POSTGRES_LIST), state, kind, after, size + 1, offset)?;
        let jobs = rows.into_iter().map(job_from).collect::<Result<_, _>>()?;
        Ok(Page::from_probe(jobs, page.limit(), total, Job::cursor))
    }

    async fn find(&self, id: &JobId) -> Result<Option<Job>, StorageError> {
        let row: Option<Row> = on_queue!(self, fetch_optional, query_as(SQLITE_FIND, POSTGRES_FIND), id.as_str())?;
        row.map(job_from).transpose()
    }

    async fn retry(&self, id: &JobId, now: DateTime<Utc>) -> Result<bool, StorageError> {
        self.change(SQLITE_RETRY, POSTGRES_RETRY, id, now).await
    }

    async fn cancel(&self, id: &JobId, now: DateTime<Utc>) -> Result<bool, StorageError> {
        self.change(SQLITE_CANCEL, POSTGRES_CANCEL, id, now).await
    }
}

fn job_from(row: Row) -> Result<Job, StorageError> {
    let broken = |column: &str| StorageError::Corrupt(format!("jobs.{column} of {}", row.id));
    let time = |column, seconds| DateTime::from_timestamp(seconds, 0).ok_or_else(|| broken(column));
    Ok(Job {
        id: JobId::parse(&row.id).or(Err(broken("id")))?,
        state: row.state.parse().or(Err(broken("status")))?,
        attempts: u32::try_from(row.attempts).or(Err(broken("attempts")))?,
        max_attempts: u32::try_from(row.max_attempts).or(Err(broken("max_attempts")))?,
        run_at: time("run_at", row.run_at)?,
        started_at: row.lock_at.map(|at| time("lock_at", at)).transpose()?,
        finished_at: row.done_at.map(|at| time("done_at", at)).transpose()?,
        last_error: row.last_result.as_deref().and_then(error_in),
        kind: row.kind,
        worker: row.lock_by,
    })
}

/// The message in what a worker stored of an attempt, if it failed.
fn error_in(result: &str) -> Option<String> {
    let result: Value = serde_json::from_str(result).ok()?;
    result.get("Err").map(|error| error.as_str().map_or_else(|| error.to_string(), str::to_owned))
}

fn storage(error: sqlx::Error) -> StorageError {
    match error {
        sqlx::Error::Database(_) | sqlx::Error::ColumnDecode { .. } | sqlx::Error::ColumnNotFound(_) => {
            StorageError::Internal(error.into())
        }
        _ => StorageError::Unavailable(error.into()),
    }
}
