//! What sessions come to together.

use sea_orm::ColumnTrait;
use sea_orm::sea_query::{Asterisk, Expr, ExprTrait, Func, SelectStatement};
use tenantry_kernel::StorageError;
use tenantry_sync::{Progress, RunState, SessionFilter, SessionStats, SessionStatus};

use super::sessions::read_progress;
use crate::StoreTransaction;
use crate::row::{RowReader, corrupt};
use crate::scope::sync_runs::Column;

/// In the order of [`read_progress`].
const SUMMED: [Column; 7] = [
    Column::TotalFiles,
    Column::FilesUploaded,
    Column::FilesSkipped,
    Column::FilesFailed,
    Column::FilesDeleted,
    Column::TotalBytes,
    Column::BytesUploaded,
];

impl StoreTransaction {
    /// The sessions that `filter` admits by status, and what their latest runs did together.
    pub(super) async fn total_sessions(&self, filter: SessionFilter) -> Result<SessionStats, StorageError> {
        let rows = self.rows(&grouped(self.sessions_with_runs(filter))).await?;
        let mut total = SessionStats::default();
        for row in &rows {
            let mut row = RowReader::new(row);
            let (state, has_failed_files): (Option<String>, bool) = (row.take()?, row.take()?);
            let status = status_of(state.as_deref(), has_failed_files)?;
            let sessions = u64::try_from(row.take::<i64>()?).unwrap_or_default();
            add(&mut total.progress, read_progress(&mut row, || corrupt("sync_runs", "a session", "progress"))?);
            // Sessions that never ran and those that wait are two groups of one status.
            match total.by_status.iter_mut().find(|(known, _)| *known == status) {
                Some((_, count)) => *count += sessions,
                None => total.by_status.push((status, sessions)),
            }
        }
        Ok(total)
    }
}

fn grouped(mut sessions: SelectStatement) -> SelectStatement {
    let state = || Expr::col(Column::State.as_column_ref());
    // Literals, so that what is selected and what is grouped by are the same to PostgreSQL.
    let has_failed_files =
        || Func::coalesce([Expr::col(Column::FilesFailed.as_column_ref()).gt(Expr::cust("0")), Expr::cust("FALSE")]);
    sessions.expr(state()).expr(has_failed_files()).expr(Expr::col(Asterisk).count());
    for column in SUMMED {
        let sum = Expr::col(column.as_column_ref()).sum().cast_as("bigint");
        sessions.expr(Func::coalesce([sum, Expr::val(0_i64)]));
    }
    sessions.add_group_by([state(), has_failed_files().into()]);
    sessions
}

fn status_of(state: Option<&str>, has_failed_files: bool) -> Result<SessionStatus, StorageError> {
    let Some(state) = state else { return Ok(SessionStatus::Pending) };
    let state: RunState = state.parse().or(Err(corrupt("sync_runs", "a session", "state")))?;
    Ok(SessionStatus::after(state, has_failed_files))
}

fn add(total: &mut Progress, part: Progress) {
    total.total_files += part.total_files;
    total.files_uploaded += part.files_uploaded;
    total.files_skipped += part.files_skipped;
    total.files_failed += part.files_failed;
    total.files_deleted += part.files_deleted;
    total.total_bytes += part.total_bytes;
    total.bytes_uploaded += part.bytes_uploaded;
}
