//! Runs that ended are queued again, as administrators of the platform ask for it.

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Alias, Expr, ExprTrait, Query};
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, QueryFilter, QueryTrait};
use tenantry_kernel::StorageError;
use tenantry_sync::{RunId, RunState};
use uuid::Uuid;

use crate::StoreTransaction;
use crate::error::storage;
use crate::row::RowReader;
use crate::scope::sync_runs::{ActiveModel, Column};
use crate::scope::sync_sessions;

impl StoreTransaction {
    /// Lets a run that failed or was cancelled go on where it ended; tells whether it could. It must be its session's
    /// latest, which then has none under way.
    pub(crate) async fn retry_run(&self, id: RunId, now: DateTime<Utc>) -> Result<bool, StorageError> {
        let is_latest = Expr::exists(
            Query::select()
                .expr(Expr::val(1))
                .from(sync_sessions::Column::Id.entity_name())
                .and_where(
                    Expr::col(sync_sessions::Column::LastRunId.as_column_ref()).equals(Column::Id.as_column_ref()),
                )
                .to_owned(),
        );
        let other = Alias::new("other");
        let of_other = |column: Column| Expr::col((other.clone(), column));
        let is_alone = Expr::exists(
            Query::select()
                .expr(Expr::val(1))
                .from_as(Column::Id.entity_name(), other.clone())
                .and_where(of_other(Column::OrganizationId).equals(Column::OrganizationId.as_column_ref()))
                .and_where(of_other(Column::SessionId).equals(Column::SessionId.as_column_ref()))
                .and_where(of_other(Column::State).is_in([RunState::Queued, RunState::Started].map(RunState::as_str)))
                .to_owned(),
        )
        .not();
        let change = ActiveModel {
            state: Set(RunState::Queued.as_str().to_owned()),
            cancel_requested: Set(false),
            error: Set(None),
            crashes: Set(0),
            run_after_ms: Set(0),
            finished_at: Set(None),
            updated_at: Set(now),
            ..Default::default()
        };
        let update = self
            .scope()
            .update_many::<Column>()
            .set(change)
            .filter(Column::Id.eq(id.as_uuid()))
            .filter(Column::State.is_in([RunState::Failed, RunState::Cancelled].map(RunState::as_str)))
            .filter(is_latest)
            .filter(is_alone);
        let mut update = update.into_query();
        update.returning_col(Column::OrganizationId);
        let rows = self.query_all(&update).await.map_err(storage)?;
        let Some(row) = rows.first() else { return Ok(false) };
        let organization_id: Uuid = RowReader::new(row).take()?;
        self.queue_turn(organization_id).await?;
        Ok(true)
    }
}
