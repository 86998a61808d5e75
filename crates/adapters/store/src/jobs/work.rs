//! Everything that is done in the background, as one list: jobs, the runs of sync sessions, and the mails that wait or
//! could not be sent.

use sea_orm::sea_query::Value;
use sea_orm::{ConnectionTrait, QueryResult};
use tenantry_application::{Job, JobFilter, JobState, MAIL_KIND, MAIL_QUEUE, RUN_KIND, RUN_QUEUE};
use tenantry_kernel::{JobId, PageRequest, SortKey, StorageError};
use tenantry_sync::Run;
use uuid::Uuid;

use super::row::{owner, time};
use super::statement::sql;
use crate::StoreTransaction;
use crate::row::{RowReader, corrupt};

#[derive(Debug, thiserror::Error)]
#[error("the cursor was made for a list in another order")]
struct ForeignCursor;

/// Direct uploads are runs without a session, which no worker does. How many attempts a mail has is not known here, so
/// it is shown as none.
const WORK: &str = "
    WITH work AS (
        SELECT id, organization_id, queue, kind, {shown} AS state, attempts, max_attempts, run_after_ms, created_at AS due_at,
            started_at, finished_at, lease_owner AS worker, last_error, created_at
        FROM jobs
        UNION ALL
        SELECT id, organization_id, '{run_queue}', '{run_kind}', {shown},
            CASE WHEN started_at IS NULL THEN 0 ELSE crashes + 1 END, {run_attempts}, run_after_ms, created_at,
            started_at, finished_at, lease_owner, error, created_at
        FROM sync_runs WHERE session_id IS NOT NULL
        UNION ALL
        SELECT id, $1, '{mail_queue}', '{mail_kind}', CASE WHEN state = 'queued' THEN 'pending'
                WHEN state = 'sent' THEN 'done' WHEN state = 'dropped' THEN 'cancelled' ELSE 'failed' END,
            attempts, 0, 0, due_at, NULL, settled_at, NULL, error, created_at
        FROM outbox)";

/// The name of a state that is shown for the one that is stored.
const SHOWN: &str = "CASE WHEN state IN ('queued', 'delayed') THEN 'pending' WHEN state = 'started' THEN 'running'
    WHEN state = 'finished' THEN 'done' ELSE state END";

const ROWS: &str =
    "SELECT id, organization_id, queue, kind, state, attempts, max_attempts, run_after_ms, due_at, started_at,
    finished_at, worker, last_error, created_at FROM work";

/// Mails that were sent or dropped are many, and need nobody's care.
const ADMITTED: &str = "WHERE ($2 IS NULL OR state = $2) AND ($3 IS NULL OR kind = $3)
    AND (kind <> '{mail_kind}' OR state IN ('pending', 'failed'))";

impl StoreTransaction {
    fn work(&self, rest: &[&str]) -> String {
        let text = [&[WORK], rest].concat().join(" ");
        let text = text
            .replace("{shown}", SHOWN)
            .replace("{run_queue}", RUN_QUEUE)
            .replace("{run_kind}", RUN_KIND)
            .replace("{run_attempts}", &Run::MAX_CRASHES.to_string())
            .replace("{mail_queue}", MAIL_QUEUE)
            .replace("{mail_kind}", MAIL_KIND);
        sql(self.get_database_backend(), &text)
    }

    /// What a page shows of all work that `filter` admits, and one more, the newest first.
    pub(super) async fn list_work(&self, filter: &JobFilter, page: &PageRequest) -> Result<Vec<Job>, StorageError> {
        let size = i64::from(page.limit().get());
        let (after, offset) = match page {
            PageRequest::Number { page, .. } => {
                let skipped = i64::try_from(page.saturating_sub(1)).unwrap_or(i64::MAX).saturating_mul(size);
                (None, skipped)
            }
            PageRequest::After { cursor, .. } if cursor.key == SortKey::Null => (Some(cursor.id), 0),
            PageRequest::After { .. } => return Err(StorageError::Internal(ForeignCursor.into())),
        };
        let mut values = admitted(filter);
        values.extend([after.into(), (size + 1).into(), offset.into()]);
        let rest = "AND ($4 IS NULL OR id < $4) ORDER BY id DESC LIMIT $5 OFFSET $6";
        let rows = self.answers(self.work(&[ROWS, ADMITTED, rest]), values).await?;
        rows.iter().map(read_work).collect()
    }

    pub(super) async fn count_work(&self, filter: &JobFilter) -> Result<u64, StorageError> {
        let rows = self.answers(self.work(&["SELECT count(*) FROM work", ADMITTED]), admitted(filter)).await?;
        let count: i64 = rows.first().map_or(Ok(0), |row| RowReader::new(row).take())?;
        Ok(u64::try_from(count).unwrap_or_default())
    }

    pub(super) async fn find_work(&self, id: JobId) -> Result<Option<Job>, StorageError> {
        let values = vec![Uuid::nil().into(), id.as_uuid().into()];
        let rows = self.answers(self.work(&[ROWS, "WHERE id = $2"]), values).await?;
        rows.first().map(read_work).transpose()
    }
}

fn admitted(filter: &JobFilter) -> Vec<Value> {
    let state = filter.state.map(|state| state.as_str().to_owned());
    vec![Uuid::nil().into(), state.into(), filter.kind.clone().into()]
}

fn read_work(row: &QueryResult) -> Result<Job, StorageError> {
    let mut row = RowReader::new(row);
    let id: Uuid = row.take()?;
    let broken = |column: &str| corrupt("jobs", id, column);
    let number = |number: i64, column| u32::try_from(number).or(Err(broken(column)));
    let (organization_id, queue, kind) = (row.take()?, row.take()?, row.take()?);
    let state: JobState = row.take::<String>()?.parse().or(Err(broken("state")))?;
    let attempts = number(row.take()?, "attempts")?;
    let max_attempts = number(row.take()?, "max_attempts")?;
    let (run_after_ms, due_at): (i64, _) = (row.take()?, row.take()?);
    Ok(Job {
        id: JobId::from_uuid(id),
        organization_id: owner(organization_id),
        queue,
        kind,
        state,
        attempts,
        max_attempts,
        run_at: if run_after_ms == 0 { due_at } else { time(run_after_ms).ok_or_else(|| broken("run_after_ms"))? },
        started_at: row.take()?,
        finished_at: row.take()?,
        worker: row.take()?,
        last_error: row.take()?,
        created_at: row.take()?,
    })
}
