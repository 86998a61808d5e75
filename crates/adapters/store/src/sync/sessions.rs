use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Condition, Expr, ExprTrait, LockType, SelectStatement};
use sea_orm::{ActiveValue::Set, ColumnTrait, QueryFilter, QueryResult, QuerySelect, QueryTrait};
use serde_json::Value;
use tenantry_kernel::{OrganizationId, Page, PageRequest, Revision, StorageError, UserId};
use tenantry_sync::{
    CycleId, LocalDirectory, MaxWorkers, Patterns, ProfileName, Progress, Retries, RunId, RunState, RunSummary,
    Schedule, SessionFilter, SessionStats, SessionStatus, SyncSession, SyncSessionId, ports::SyncSessionRepository,
};
use tenantry_tenancy::{ProjectId, StoragePrefix};
use uuid::Uuid;

use super::columns::{count, stored_small};
use crate::StoreTransaction;
use crate::error::storage;
use crate::listing::SortBy;
use crate::row::{RowReader, corrupt};
use crate::scope::sync_runs::Column as RunColumn;
use crate::scope::sync_sessions::{ActiveModel, Column};

const NEWEST_FIRST: SortBy<Column> = SortBy { key: Column::CreatedAt, id: Column::Id, descending: true };

/// The columns of a [`SyncSession`], in the order of [`read_session`]; those of its latest run come after them.
const SESSION_COLUMNS: [Column; 19] = [
    Column::Id,
    Column::OrganizationId,
    Column::UserId,
    Column::ProjectId,
    Column::CycleId,
    Column::LocalDirectory,
    Column::S3Prefix,
    Column::AwsProfile,
    Column::MaxWorkers,
    Column::TimesToRetry,
    Column::UseFind,
    Column::Include,
    Column::Exclude,
    Column::CompareBy,
    Column::DeleteExtraneous,
    Column::Schedule,
    Column::CreatedAt,
    Column::UpdatedAt,
    Column::Revision,
];

/// The columns of a [`RunSummary`].
const SUMMARY_COLUMNS: [RunColumn; 11] = [
    RunColumn::Id,
    RunColumn::State,
    RunColumn::TotalFiles,
    RunColumn::FilesUploaded,
    RunColumn::FilesSkipped,
    RunColumn::FilesFailed,
    RunColumn::FilesDeleted,
    RunColumn::TotalBytes,
    RunColumn::BytesUploaded,
    RunColumn::StartedAt,
    RunColumn::FinishedAt,
];

/// Reads [`SESSION_COLUMNS`] and [`SUMMARY_COLUMNS`].
fn read_session(row: &QueryResult) -> Result<SyncSession, StorageError> {
    let mut row = RowReader::new(row);
    let id: Uuid = row.take()?;
    let broken = |column| corrupt("sync_sessions", id, column);
    Ok(SyncSession {
        id: SyncSessionId::from_uuid(id),
        organization_id: OrganizationId::from_uuid(row.take()?),
        user_id: UserId::from_uuid(row.take()?),
        project_id: ProjectId::from_uuid(row.take()?),
        cycle_id: row.take::<Option<Uuid>>()?.map(CycleId::from_uuid),
        local_directory: LocalDirectory::parse(&row.take::<String>()?).or(Err(broken("local_directory")))?,
        s3_prefix: row
            .take::<Option<String>>()?
            .map(|prefix| StoragePrefix::parse(&prefix).or(Err(broken("s3_prefix"))))
            .transpose()?,
        aws_profile: row.take::<Option<String>>()?.map(ProfileName::from_stored),
        max_workers: MaxWorkers::parse(row.take::<i16>()?.into()).or(Err(broken("max_workers")))?,
        times_to_retry: Retries::parse(row.take::<i16>()?.into()).or(Err(broken("times_to_retry")))?,
        use_find: row.take()?,
        include: patterns_from(row.take()?).ok_or_else(|| broken("include"))?,
        exclude: patterns_from(row.take()?).ok_or_else(|| broken("exclude"))?,
        compare_by: row.take::<String>()?.parse().or(Err(broken("compare_by")))?,
        delete_extraneous: row.take()?,
        schedule: row
            .take::<Option<String>>()?
            .map(|text| Schedule::parse(&text).or(Err(broken("schedule"))))
            .transpose()?,
        created_at: row.take()?,
        updated_at: row.take()?,
        revision: Revision::from_stored(row.take()?),
        last_run: read_summary(&mut row)?,
    })
}

/// Reads [`SUMMARY_COLUMNS`], which are all empty where there is no run.
fn read_summary(row: &mut RowReader<'_>) -> Result<Option<RunSummary>, StorageError> {
    let Some(id) = row.take::<Option<Uuid>>()? else { return Ok(None) };
    let broken = |column| corrupt("sync_runs", id, column);
    Ok(Some(RunSummary {
        id: RunId::from_uuid(id),
        state: row.take::<String>()?.parse().or(Err(broken("state")))?,
        progress: read_progress(row, || broken("progress"))?,
        started_at: row.take()?,
        finished_at: row.take()?,
    }))
}

/// Reads seven numbers in the order of [`SUMMARY_COLUMNS`].
pub(super) fn read_progress(
    row: &mut RowReader<'_>,
    broken: impl Fn() -> StorageError,
) -> Result<Progress, StorageError> {
    let mut next = || count(row.take()?, &broken);
    Ok(Progress {
        total_files: next()?,
        files_uploaded: next()?,
        files_skipped: next()?,
        files_failed: next()?,
        files_deleted: next()?,
        total_bytes: next()?,
        bytes_uploaded: next()?,
    })
}

fn patterns_from(stored: Value) -> Option<Patterns> {
    serde_json::from_value(stored).ok().map(Patterns::from_stored)
}

/// All that may change; the ids and the time of creation stay out.
fn changeable(session: &SyncSession) -> ActiveModel {
    ActiveModel {
        user_id: Set(session.user_id.as_uuid()),
        project_id: Set(session.project_id.as_uuid()),
        cycle_id: Set(session.cycle_id.map(CycleId::as_uuid)),
        local_directory: Set(session.local_directory.as_str().to_owned()),
        s3_prefix: Set(session.s3_prefix.as_ref().map(|prefix| prefix.as_str().to_owned())),
        aws_profile: Set(session.aws_profile.as_ref().map(|name| name.as_str().to_owned())),
        max_workers: Set(stored_small(session.max_workers.get())),
        times_to_retry: Set(stored_small(session.times_to_retry.get())),
        use_find: Set(session.use_find),
        include: Set(session.include.as_slice().into()),
        exclude: Set(session.exclude.as_slice().into()),
        compare_by: Set(session.compare_by.as_str().to_owned()),
        delete_extraneous: Set(session.delete_extraneous),
        schedule: Set(session.schedule.as_ref().map(|schedule| schedule.as_str().to_owned())),
        updated_at: Set(session.updated_at),
        revision: Set(session.revision.get()),
        ..Default::default()
    }
}

/// What a run must be like for its session to have the status.
fn has_status(status: SessionStatus) -> Condition {
    let in_state = |state: RunState| RunColumn::State.eq(state.as_str());
    match status {
        SessionStatus::Pending => Condition::any().add(RunColumn::Id.is_null()).add(in_state(RunState::Queued)),
        SessionStatus::InProgress => Condition::all().add(in_state(RunState::Started)),
        SessionStatus::Completed => {
            Condition::all().add(in_state(RunState::Finished)).add(RunColumn::FilesFailed.eq(0))
        }
        SessionStatus::CompletedWithErrors => {
            Condition::all().add(in_state(RunState::Finished)).add(RunColumn::FilesFailed.gt(0))
        }
        SessionStatus::Failed => Condition::all().add(in_state(RunState::Failed)),
        SessionStatus::Cancelled => Condition::all().add(in_state(RunState::Cancelled)),
    }
}

impl StoreTransaction {
    /// The sessions that `filter` admits, each beside its latest run.
    pub(super) fn sessions_with_runs(&self, filter: SessionFilter) -> SelectStatement {
        let mut select = self
            .scope()
            .select::<Column>()
            .select_only()
            .apply_if(filter.project_id, |select, id| select.filter(Column::ProjectId.eq(id.as_uuid())))
            .apply_if(filter.cycle_id, |select, id| select.filter(Column::CycleId.eq(id.as_uuid())))
            .into_query();
        let same = |run: RunColumn, session: Column| Expr::col(run.as_column_ref()).equals(session.as_column_ref());
        select.left_join(
            RunColumn::Id.entity_name(),
            Condition::all()
                .add(same(RunColumn::OrganizationId, Column::OrganizationId))
                .add(same(RunColumn::Id, Column::LastRunId)),
        );
        if let Some(status) = filter.status {
            select.cond_where(has_status(status));
        }
        select
    }

    fn select_sessions(&self, filter: SessionFilter) -> SelectStatement {
        let mut select = self.sessions_with_runs(filter);
        select
            .exprs(SESSION_COLUMNS.map(|column| Expr::col(column.as_column_ref())))
            .exprs(SUMMARY_COLUMNS.map(|column| Expr::col(column.as_column_ref())));
        select
    }

    /// Deletes the sessions for which `condition` holds; their runs go along.
    async fn delete_sessions(&self, condition: Expr) -> Result<u64, StorageError> {
        let delete = self.scope().delete_many::<Column>().filter(condition);
        Ok(delete.exec(self).await.map_err(storage)?.rows_affected)
    }
}

#[async_trait]
impl SyncSessionRepository for StoreTransaction {
    async fn find(&mut self, id: SyncSessionId) -> Result<Option<SyncSession>, StorageError> {
        let mut select = self.select_sessions(SessionFilter::default());
        select.and_where(Column::Id.eq(id.as_uuid()));
        if self.locks_rows() {
            // The session alone: the other side of an outer join can't be locked.
            select.lock_with_tables(LockType::NoKeyUpdate, [Column::Id.entity_name()]);
        }
        self.row(&select).await?.as_ref().map(read_session).transpose()
    }

    async fn list(&mut self, filter: SessionFilter, page: &PageRequest) -> Result<Page<SyncSession>, StorageError> {
        let (rows, total) = self.page_of(self.select_sessions(filter), NEWEST_FIRST, page).await?;
        let sessions = rows.iter().map(read_session).collect::<Result<_, _>>()?;
        Ok(Page::from_probe(sessions, page.limit(), total, SyncSession::cursor))
    }

    async fn stats(&mut self, filter: SessionFilter) -> Result<SessionStats, StorageError> {
        self.total_sessions(filter).await
    }

    async fn insert(&mut self, session: &SyncSession) -> Result<bool, StorageError> {
        let row = ActiveModel {
            organization_id: Set(session.organization_id.as_uuid()),
            id: Set(session.id.as_uuid()),
            next_run_at: Set(None),
            last_run_id: Set(None),
            created_at: Set(session.created_at),
            ..changeable(session)
        };
        let insert = self.scope().insert(row)?.on_conflict_do_nothing_on([Column::OrganizationId, Column::Id]);
        self.insert_new(insert).await
    }

    async fn update(&mut self, session: &SyncSession, expected: Revision) -> Result<bool, StorageError> {
        let update = self
            .scope()
            .update_many::<Column>()
            .set(changeable(session))
            .filter(Column::Id.eq(session.id.as_uuid()))
            .filter(Column::Revision.eq(expected.get()));
        Ok(update.exec(self).await.map_err(storage)?.rows_affected == 1)
    }

    async fn set_last_run(&mut self, id: SyncSessionId, run_id: RunId) -> Result<(), StorageError> {
        let change = ActiveModel { last_run_id: Set(Some(run_id.as_uuid())), ..Default::default() };
        let update = self.scope().update_many::<Column>().set(change).filter(Column::Id.eq(id.as_uuid()));
        update.exec(self).await.map(|_| ()).map_err(storage)
    }

    async fn set_next_run(&mut self, id: SyncSessionId, at: Option<DateTime<Utc>>) -> Result<(), StorageError> {
        let change = ActiveModel { next_run_at: Set(at), ..Default::default() };
        let update = self.scope().update_many::<Column>().set(change).filter(Column::Id.eq(id.as_uuid()));
        update.exec(self).await.map(|_| ()).map_err(storage)
    }

    async fn pass_due(
        &mut self,
        id: SyncSessionId,
        now: DateTime<Utc>,
        next: Option<DateTime<Utc>>,
    ) -> Result<bool, StorageError> {
        let change = ActiveModel { next_run_at: Set(next), ..Default::default() };
        let update = self
            .scope()
            .update_many::<Column>()
            .set(change)
            .filter(Column::Id.eq(id.as_uuid()))
            .filter(Column::NextRunAt.lte(now));
        Ok(update.exec(self).await.map_err(storage)?.rows_affected == 1)
    }

    async fn delete(&mut self, id: SyncSessionId, expected: Revision) -> Result<bool, StorageError> {
        let condition = Column::Id.eq(id.as_uuid()).and(Column::Revision.eq(expected.get()));
        Ok(self.delete_sessions(condition).await? == 1)
    }

    async fn any_of_cycle(&mut self, id: CycleId) -> Result<bool, StorageError> {
        self.exists(self.scope().select::<Column>().filter(Column::CycleId.eq(id.as_uuid()))).await
    }

    async fn delete_of_cycle(&mut self, id: CycleId) -> Result<(), StorageError> {
        self.delete_sessions(Column::CycleId.eq(id.as_uuid())).await.map(|_| ())
    }

    async fn delete_of_project(&mut self, id: ProjectId) -> Result<(), StorageError> {
        self.delete_sessions(Column::ProjectId.eq(id.as_uuid())).await.map(|_| ())
    }
}
