use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sea_orm::sea_query::{ExprTrait, SelectStatement};
use sea_orm::{ActiveValue::Set, ColumnTrait, QueryFilter, QueryResult, QuerySelect, QueryTrait};
use serde_json::Value;
use tenantry_kernel::{OrganizationId, Revision, StorageError, UserId};
use tenantry_sync::{
    Advance, CycleId, Destination, Hold, Lease, ProfileName, Run, RunEnd, RunId, RunMode, RunState, Scanned,
    SyncSessionId, ports::RunRepository,
};
use tenantry_tenancy::{BucketName, ProjectId};
use uuid::Uuid;

use super::columns::{count, small, stored, stored_small};
use super::sessions::read_progress;
use crate::StoreTransaction;
use crate::error::storage;
use crate::row::{RowReader, corrupt};
use crate::scope::sync_runs::{ActiveModel, Column};
use crate::scope::sync_sessions::Column as SessionColumn;

/// The columns of a [`Run`], in the order of [`read_run`].
pub(super) const RUN_COLUMNS: [Column; 31] = [
    Column::Id,
    Column::OrganizationId,
    Column::UserId,
    Column::SessionId,
    Column::SessionRevision,
    Column::ProjectId,
    Column::CycleId,
    Column::Mode,
    Column::Bucket,
    Column::Profile,
    Column::Prefix,
    Column::ConfirmedDeletions,
    Column::State,
    Column::IsScanned,
    Column::CancelRequested,
    Column::TotalFiles,
    Column::FilesUploaded,
    Column::FilesSkipped,
    Column::FilesFailed,
    Column::FilesDeleted,
    Column::TotalBytes,
    Column::BytesUploaded,
    Column::BytesPerSecond,
    Column::FilesPerSecond,
    Column::Error,
    Column::Warnings,
    Column::WarningCount,
    Column::Crashes,
    Column::CreatedAt,
    Column::StartedAt,
    Column::FinishedAt,
];

/// Reads [`RUN_COLUMNS`] and the time of the last change.
pub(super) fn read_run(row: &QueryResult) -> Result<Run, StorageError> {
    let mut row = RowReader::new(row);
    let id: Uuid = row.take()?;
    let broken = |column: &'static str| move || corrupt("sync_runs", id, column);
    Ok(Run {
        id: RunId::from_uuid(id),
        organization_id: OrganizationId::from_uuid(row.take()?),
        user_id: UserId::from_uuid(row.take()?),
        session_id: row.take::<Option<Uuid>>()?.map(SyncSessionId::from_uuid),
        session_revision: row.take::<Option<i64>>()?.map(Revision::from_stored),
        project_id: ProjectId::from_uuid(row.take()?),
        cycle_id: row.take::<Option<Uuid>>()?.map(CycleId::from_uuid),
        mode: row.take::<String>()?.parse().ok().ok_or_else(broken("mode"))?,
        destination: Destination {
            bucket: row
                .take::<Option<String>>()?
                .map(|name| BucketName::parse(&name).ok().ok_or_else(broken("bucket")))
                .transpose()?,
            profile: row.take::<Option<String>>()?.map(ProfileName::from_stored),
            prefix: row.take()?,
        },
        confirmed_deletions: count(row.take()?, broken("confirmed_deletions"))?,
        state: row.take::<String>()?.parse().ok().ok_or_else(broken("state"))?,
        is_scanned: row.take()?,
        cancel_requested: row.take()?,
        progress: read_progress(&mut row, broken("progress"))?,
        bytes_per_second: row.take::<Option<i64>>()?.map(|rate| count(rate, broken("bytes_per_second"))).transpose()?,
        files_per_second: row.take::<Option<i64>>()?.map(|rate| count(rate, broken("files_per_second"))).transpose()?,
        error: row.take()?,
        warnings: serde_json::from_value(row.take::<Value>()?).ok().ok_or_else(broken("warnings"))?,
        warning_count: count(row.take()?, broken("warning_count"))?,
        crashes: small(row.take()?, "sync_runs", id, "crashes")?,
        created_at: row.take()?,
        started_at: row.take()?,
        finished_at: row.take()?,
        updated_at: row.take()?,
    })
}

fn new_row(run: &Run) -> ActiveModel {
    ActiveModel {
        organization_id: Set(run.organization_id.as_uuid()),
        id: Set(run.id.as_uuid()),
        user_id: Set(run.user_id.as_uuid()),
        session_id: Set(run.session_id.map(SyncSessionId::as_uuid)),
        session_revision: Set(run.session_revision.map(Revision::get)),
        project_id: Set(run.project_id.as_uuid()),
        cycle_id: Set(run.cycle_id.map(CycleId::as_uuid)),
        mode: Set(run.mode.as_str().to_owned()),
        bucket: Set(run.destination.bucket.as_ref().map(|name| name.as_str().to_owned())),
        profile: Set(run.destination.profile.as_ref().map(|name| name.as_str().to_owned())),
        prefix: Set(run.destination.prefix.clone()),
        confirmed_deletions: Set(stored(run.confirmed_deletions)),
        state: Set(run.state.as_str().to_owned()),
        is_scanned: Set(run.is_scanned),
        cancel_requested: Set(run.cancel_requested),
        total_files: Set(stored(run.progress.total_files)),
        files_uploaded: Set(stored(run.progress.files_uploaded)),
        files_skipped: Set(stored(run.progress.files_skipped)),
        files_failed: Set(stored(run.progress.files_failed)),
        files_deleted: Set(stored(run.progress.files_deleted)),
        total_bytes: Set(stored(run.progress.total_bytes)),
        bytes_uploaded: Set(stored(run.progress.bytes_uploaded)),
        bytes_per_second: Set(run.bytes_per_second.map(stored)),
        files_per_second: Set(run.files_per_second.map(stored)),
        error: Set(run.error.clone()),
        warnings: Set(warnings(&run.warnings)),
        warning_count: Set(stored(run.warning_count)),
        crashes: Set(stored_small(run.crashes)),
        run_after_ms: Set(0),
        lease_owner: Set(None),
        lease_epoch: Set(0),
        lease_advance: Set(0),
        lease_until_ms: Set(None),
        created_at: Set(run.created_at),
        started_at: Set(run.started_at),
        finished_at: Set(run.finished_at),
        updated_at: Set(run.updated_at),
    }
}

pub(super) fn warnings(warnings: &[tenantry_sync::Warning]) -> Value {
    serde_json::to_value(warnings).unwrap_or_else(|_| Value::Array(Vec::new()))
}

fn is_active() -> sea_orm::sea_query::Expr {
    Column::State.is_in([RunState::Queued, RunState::Started].map(RunState::as_str))
}

#[async_trait]
impl RunRepository for StoreTransaction {
    async fn find(&mut self, id: RunId) -> Result<Option<Run>, StorageError> {
        let select = self.scope().select::<Column>().select_only().columns(RUN_COLUMNS).column(Column::UpdatedAt);
        let select = self.lock(select.filter(Column::Id.eq(id.as_uuid()))).into_query();
        self.row(&select).await?.as_ref().map(read_run).transpose()
    }

    async fn insert(&mut self, run: &Run) -> Result<bool, StorageError> {
        let insert = self.scope().insert(new_row(run))?;
        let insert = insert.on_conflict_do_nothing_on([Column::OrganizationId, Column::Id]);
        if !self.insert_new(insert).await? {
            return Ok(false);
        }
        if run.state == RunState::Queued {
            self.queue_turn(run.organization_id.as_uuid()).await?;
        }
        Ok(true)
    }

    async fn active_of_session(&mut self, id: SyncSessionId) -> Result<Option<RunId>, StorageError> {
        self.active_run(Column::SessionId.eq(id.as_uuid())).await
    }

    async fn active_of_cycle(&mut self, id: CycleId) -> Result<Option<RunId>, StorageError> {
        let sessions = self
            .scope()
            .select::<SessionColumn>()
            .select_only()
            .column(SessionColumn::Id)
            .filter(SessionColumn::CycleId.eq(id.as_uuid()));
        let of_session = Column::SessionId.in_subquery(sessions.into_query());
        self.active_run(of_session.or(Column::CycleId.eq(id.as_uuid()))).await
    }

    async fn active_of_project(&mut self, id: ProjectId) -> Result<Option<RunId>, StorageError> {
        self.active_run(Column::ProjectId.eq(id.as_uuid())).await
    }

    async fn update_direct(&mut self, run: &Run) -> Result<(), StorageError> {
        let change = ActiveModel {
            state: Set(run.state.as_str().to_owned()),
            is_scanned: Set(run.is_scanned),
            total_files: Set(stored(run.progress.total_files)),
            files_uploaded: Set(stored(run.progress.files_uploaded)),
            files_skipped: Set(stored(run.progress.files_skipped)),
            files_failed: Set(stored(run.progress.files_failed)),
            total_bytes: Set(stored(run.progress.total_bytes)),
            bytes_uploaded: Set(stored(run.progress.bytes_uploaded)),
            error: Set(run.error.clone()),
            finished_at: Set(run.finished_at),
            updated_at: Set(run.updated_at),
            ..Default::default()
        };
        let update = self
            .scope()
            .update_many::<Column>()
            .set(change)
            .filter(Column::Id.eq(run.id.as_uuid()))
            .filter(Column::Mode.eq(RunMode::Direct.as_str()));
        update.exec(self).await.map(|_| ()).map_err(storage)
    }

    async fn cancel(&mut self, id: RunId, at: DateTime<Utc>) -> Result<(), StorageError> {
        let of_run = |update: sea_orm::UpdateMany<_>, state: RunState| {
            update.filter(Column::Id.eq(id.as_uuid())).filter(Column::State.eq(state.as_str()))
        };
        let cancelled = ActiveModel {
            state: Set(RunState::Cancelled.as_str().to_owned()),
            finished_at: Set(Some(at)),
            updated_at: Set(at),
            ..Default::default()
        };
        let asked = ActiveModel { cancel_requested: Set(true), updated_at: Set(at), ..Default::default() };
        for (change, state) in [(cancelled, RunState::Queued), (asked, RunState::Started)] {
            let update = of_run(self.scope().update_many::<Column>().set(change), state);
            update.exec(self).await.map_err(storage)?;
        }
        Ok(())
    }

    async fn hold(&mut self, lease: Lease, duration: Duration) -> Result<Hold, StorageError> {
        self.hold_run(lease, duration).await
    }

    async fn scanned(&mut self, lease: Lease, scanned: &Scanned, at: DateTime<Utc>) -> Result<bool, StorageError> {
        self.set_scanned(lease, scanned, at).await
    }

    async fn advance(&mut self, lease: Lease, advance: &Advance, at: DateTime<Utc>) -> Result<bool, StorageError> {
        self.advance_run(lease, advance, at).await
    }

    async fn release(&mut self, lease: Lease, at: DateTime<Utc>) -> Result<bool, StorageError> {
        self.release_run(lease, at).await
    }

    async fn finish(&mut self, lease: Lease, end: &RunEnd, at: DateTime<Utc>) -> Result<bool, StorageError> {
        self.finish_run(lease, end, at).await
    }
}

impl StoreTransaction {
    /// The ids of the runs that are queued or started.
    pub(super) fn active_runs(&self) -> SelectStatement {
        self.scope().select::<Column>().select_only().column(Column::Id).filter(is_active()).into_query()
    }

    async fn active_run(&self, condition: sea_orm::sea_query::Expr) -> Result<Option<RunId>, StorageError> {
        let select = self
            .scope()
            .select::<Column>()
            .select_only()
            .column(Column::Id)
            .filter(is_active())
            .filter(condition)
            .limit(1)
            .into_query();
        let row = self.row(&select).await?;
        row.map(|row| RowReader::new(&row).take().map(RunId::from_uuid)).transpose()
    }
}
