//! What a worker writes of the run that it holds. Every statement names the epoch of its lease, so that a worker which
//! was thought dead and comes back changes nothing.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, QueryFilter, QueryTrait, UpdateMany};
use tenantry_application::RUN_QUEUE;
use tenantry_kernel::StorageError;
use tenantry_sync::{Advance, Hold, Lease, Progress, Run, RunEnd, RunState, Scanned};

use super::columns::{now_ms, stored};
use super::runs::warnings;
use crate::StoreTransaction;
use crate::database_clock::milliseconds;
use crate::error::storage;
use crate::row::RowReader;
use crate::scope::Scoped;
use crate::scope::sync_runs::{ActiveModel, Column};

/// `duration` from now, by the database's clock.
pub(super) fn from_now(transaction: &StoreTransaction, duration: Duration) -> Expr {
    now_ms(transaction.get_database_backend()).add(milliseconds(duration))
}

/// The rows of the lease that is still held.
fn held<E: Scoped>(update: UpdateMany<E>, lease: Lease) -> UpdateMany<E> {
    update
        .filter(Column::Id.eq(lease.run_id.as_uuid()))
        .filter(Column::LeaseEpoch.eq(lease.epoch))
        .filter(Column::State.eq(RunState::Started.as_str()))
}

fn plus(column: Column, count: i64) -> (Column, Expr) {
    (column, Expr::col(column).add(count))
}

fn added(advance: &Advance) -> [(Column, Expr); 7] {
    let progress = advance.progress;
    [
        plus(Column::TotalFiles, stored(progress.total_files)),
        plus(Column::FilesUploaded, stored(progress.files_uploaded)),
        plus(Column::FilesSkipped, stored(progress.files_skipped)),
        plus(Column::FilesFailed, stored(progress.files_failed)),
        plus(Column::FilesDeleted, stored(progress.files_deleted)),
        plus(Column::TotalBytes, stored(progress.total_bytes) - stored(advance.bytes_spared)),
        plus(Column::BytesUploaded, stored(progress.bytes_uploaded) - stored(advance.bytes_undone)),
    ]
}

impl StoreTransaction {
    /// Changes the run if the lease is still held; tells whether it is.
    async fn change_held(&self, lease: Lease, change: ActiveModel) -> Result<bool, StorageError> {
        let update = held(self.scope().update_many::<Column>().set(change), lease);
        Ok(update.exec(self).await.map_err(storage)?.rows_affected == 1)
    }

    pub(super) async fn hold_run(&self, lease: Lease, duration: Duration) -> Result<Hold, StorageError> {
        let update = self.scope().update_many::<Column>().col_expr(Column::LeaseUntilMs, from_now(self, duration));
        let mut update = held(update, lease).into_query();
        update.returning_col(Column::CancelRequested);
        let Some(row) = self.query_one(&update).await.map_err(storage)? else { return Ok(Hold::Lost) };
        Ok(if RowReader::new(&row).take()? { Hold::CancelRequested } else { Hold::Held })
    }

    pub(super) async fn set_scanned(
        &self,
        lease: Lease,
        scanned: &Scanned,
        at: DateTime<Utc>,
    ) -> Result<bool, StorageError> {
        let Progress { total_files, files_uploaded, files_skipped, files_failed, files_deleted, total_bytes, .. } =
            scanned.progress;
        let kept = scanned.warnings.get(..Run::MAX_WARNINGS).unwrap_or(&scanned.warnings);
        let change = ActiveModel {
            is_scanned: Set(true),
            total_files: Set(stored(total_files)),
            files_uploaded: Set(stored(files_uploaded)),
            files_skipped: Set(stored(files_skipped)),
            files_failed: Set(stored(files_failed)),
            files_deleted: Set(stored(files_deleted)),
            total_bytes: Set(stored(total_bytes)),
            bytes_uploaded: Set(stored(scanned.progress.bytes_uploaded)),
            warnings: Set(warnings(kept)),
            warning_count: Set(stored(scanned.warning_count)),
            updated_at: Set(at),
            ..Default::default()
        };
        self.change_held(lease, change).await
    }

    pub(super) async fn advance_run(
        &self,
        lease: Lease,
        advance: &Advance,
        at: DateTime<Utc>,
    ) -> Result<bool, StorageError> {
        let change = ActiveModel {
            bytes_per_second: Set(advance.bytes_per_second.map(stored)),
            files_per_second: Set(advance.files_per_second.map(stored)),
            lease_advance: Set(stored(advance.number)),
            updated_at: Set(at),
            ..Default::default()
        };
        let mut update = self.scope().update_many::<Column>().set(change);
        for (column, sum) in added(advance) {
            update = update.col_expr(column, sum);
        }
        let update = held(update, lease).filter(Column::LeaseAdvance.lt(stored(advance.number)));
        if update.exec(self).await.map_err(storage)?.rows_affected == 1 {
            return Ok(true);
        }
        let known = self
            .scope()
            .select::<Column>()
            .filter(Column::Id.eq(lease.run_id.as_uuid()))
            .filter(Column::LeaseEpoch.eq(lease.epoch))
            .filter(Column::State.eq(RunState::Started.as_str()));
        self.exists(known).await
    }

    pub(super) async fn release_run(&self, lease: Lease, at: DateTime<Utc>) -> Result<bool, StorageError> {
        let change = ActiveModel {
            state: Set(RunState::Queued.as_str().to_owned()),
            lease_owner: Set(None),
            lease_until_ms: Set(None),
            updated_at: Set(at),
            ..Default::default()
        };
        let is_released = self.change_held(lease, change).await?;
        if is_released && let Some(organization_id) = self.scope().organization_id() {
            self.queue_turn(organization_id).await?;
            self.wanted_bells().add(RUN_QUEUE);
        }
        Ok(is_released)
    }

    pub(super) async fn finish_run(&self, lease: Lease, end: &RunEnd, at: DateTime<Utc>) -> Result<bool, StorageError> {
        let change = ActiveModel {
            state: Set(end.state().as_str().to_owned()),
            error: Set(end.error().map(str::to_owned)),
            lease_owner: Set(None),
            lease_until_ms: Set(None),
            finished_at: Set(Some(at)),
            updated_at: Set(at),
            ..Default::default()
        };
        self.change_held(lease, change).await
    }
}
