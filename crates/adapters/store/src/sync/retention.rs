//! Runs that ended long enough ago are removed.

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait};
use tenantry_kernel::{StorageError, Transaction};

use crate::Database;
use crate::error::storage;
use crate::scope::sync_runs::Column;
use crate::scope::{Scope, sync_sessions};
use crate::transaction::Mode;

/// Rows that one transaction deletes at most.
const BATCH: u64 = 1_000;

impl Database {
    /// Deletes the runs that ended by then, but for the latest one of each session, and counts them.
    pub(crate) async fn purge_runs(&self, ended_by: DateTime<Utc>) -> Result<u64, StorageError> {
        let mut total = 0;
        loop {
            let deleted = self.purge_some_runs(ended_by).await?;
            total += deleted;
            if deleted < BATCH {
                return Ok(total);
            }
        }
    }

    async fn purge_some_runs(&self, ended_by: DateTime<Utc>) -> Result<u64, StorageError> {
        let transaction = self.begin(Scope::platform(), Mode::Write).await?;
        let some = transaction
            .scope()
            .select::<Column>()
            .select_only()
            .columns([Column::OrganizationId, Column::Id])
            .filter(Column::FinishedAt.lte(ended_by))
            .filter(is_latest().not())
            .order_by_asc(Column::FinishedAt)
            .limit(BATCH)
            .into_query();
        let key = Expr::tuple([Column::OrganizationId, Column::Id].map(|column| Expr::col(column.as_column_ref())));
        let delete = transaction.scope().delete_many::<Column>().filter(key.in_subquery(some));
        let deleted = delete.exec(&transaction).await.map_err(storage)?.rows_affected;
        Box::new(transaction).commit().await?;
        Ok(deleted)
    }
}

/// Whether its session says that it is the latest; a direct upload is of none.
fn is_latest() -> Expr {
    use sync_sessions::Column as Session;
    let same = |session: Session, run: Column| Expr::col(session.as_column_ref()).equals(run.as_column_ref());
    let session = Query::select()
        .expr(Expr::val(1))
        .from(Session::Id.entity_name())
        .and_where(same(Session::OrganizationId, Column::OrganizationId))
        .and_where(same(Session::Id, Column::SessionId))
        .and_where(same(Session::LastRunId, Column::Id))
        .to_owned();
    Expr::exists(session)
}
