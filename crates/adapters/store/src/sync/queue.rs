//! The runs of all organisations, as workers take them: the organisation whose turn is the longest ago comes next.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sea_orm::sea_query::{
    Asterisk, Expr, ExprTrait, Func, LockBehavior, LockType, OnConflict, Query, SelectStatement, SubQueryStatement,
};
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait};
use tenantry_kernel::{OrganizationId, StorageError, Transaction, UserId};
use tenantry_sync::ports::{DueSession, RunQueue};
use tenantry_sync::{Claim, Lease, Run, RunEnd, RunId, RunState, SyncSessionId, WorkerName};
use uuid::Uuid;

use super::columns::{now_ms, small, stored_small};
use super::lease::from_now;
use super::runs::{RUN_COLUMNS, read_run};
use crate::error::storage;
use crate::row::RowReader;
use crate::scope::{Scope, sync_runs, sync_sessions, sync_turns, users};
use crate::transaction::Mode;
use crate::{Database, StoreTransaction};

/// Runs that one sweep takes away at most.
const BATCH: u64 = 100;

/// What members read of a run over which too many workers died.
const GIVEN_UP: &str = "given up after the workers that tried it died";

/// What members read of a direct upload that was not finished.
const IDLE: &str = "given up after nothing was sent for too long";

/// The wait of a run over which a second worker died; each further one doubles it.
const FIRST_WAIT: Duration = Duration::from_secs(1);

#[async_trait]
impl RunQueue for Database {
    async fn claim(
        &self,
        worker: &WorkerName,
        lease: Duration,
        most_of_one: u16,
        at: DateTime<Utc>,
    ) -> Result<Option<Claim>, StorageError> {
        if self.look().await?.next_turn(most_of_one).await?.is_none() {
            return Ok(None);
        }
        let transaction = self.begin(Scope::platform(), Mode::Write).await?;
        let Some(organization_id) = transaction.next_turn(most_of_one).await? else { return Ok(None) };
        // Whoever held the turn just before may have taken a run since it was looked at.
        let claim = if transaction.started(organization_id).await? < u64::from(most_of_one) {
            transaction.take_oldest(organization_id, worker, lease, at).await?
        } else {
            None
        };
        transaction.end_turn(organization_id).await?;
        Box::new(transaction).commit().await?;
        Ok(claim)
    }

    async fn reap(&self, at: DateTime<Utc>) -> Result<u64, StorageError> {
        if self.look().await?.lost_runs().await?.is_empty() {
            return Ok(0);
        }
        let transaction = self.begin(Scope::platform(), Mode::Write).await?;
        let lost = transaction.lost_runs().await?;
        for run in &lost {
            transaction.take_away(run, at).await?;
        }
        Box::new(transaction).commit().await?;
        Ok(u64::try_from(lost.len()).unwrap_or_default())
    }

    async fn end_idle(&self, idle_since: DateTime<Utc>, at: DateTime<Utc>) -> Result<Vec<Run>, StorageError> {
        if self.look().await?.idle_runs(idle_since).await?.is_empty() {
            return Ok(Vec::new());
        }
        let transaction = self.begin(Scope::platform(), Mode::Write).await?;
        let mut ended = Vec::new();
        let end = RunEnd::Failed(IDLE.to_owned());
        for run in transaction.idle_runs(idle_since).await? {
            ended.push(transaction.end_run(run.ended(&end, at)).await?);
        }
        Box::new(transaction).commit().await?;
        Ok(ended)
    }

    async fn may_act(&self, user_id: UserId) -> Result<bool, StorageError> {
        use users::Column;
        let transaction = self.begin(Scope::platform(), Mode::Read).await?;
        let select = transaction
            .scope()
            .select::<Column>()
            .filter(Column::Id.eq(user_id.as_uuid()))
            .filter(Column::IsActive.eq(true))
            .filter(Column::DeletedAt.is_null());
        transaction.exists(select).await
    }

    async fn due(&self, now: DateTime<Utc>, limit: u16) -> Result<Vec<DueSession>, StorageError> {
        use sync_sessions::Column;
        let transaction = self.begin(Scope::platform(), Mode::Read).await?;
        let select = transaction
            .scope()
            .select::<Column>()
            .select_only()
            .columns([Column::OrganizationId, Column::UserId, Column::Id])
            .filter(Column::NextRunAt.lte(now))
            .order_by_asc(Column::NextRunAt)
            .limit(u64::from(limit));
        let rows = transaction.rows(&select.into_query()).await?;
        let read = |row| {
            let mut row = RowReader::new(row);
            Ok(DueSession {
                organization_id: OrganizationId::from_uuid(row.take()?),
                user_id: UserId::from_uuid(row.take()?),
                session_id: SyncSessionId::from_uuid(row.take()?),
            })
        };
        rows.iter().map(read).collect()
    }
}

impl Database {
    /// Most of the time there is nothing to do, and to find that out locks nothing.
    async fn look(&self) -> Result<StoreTransaction, StorageError> {
        self.begin(Scope::platform(), Mode::Read).await
    }
}

/// A run whose worker did not hold on to it.
struct LostRun {
    organization_id: Uuid,
    id: Uuid,
    epoch: i64,
    /// How many workers died over it before this one since any of them got on.
    crashes: u16,
}

impl StoreTransaction {
    /// Says that the organisation has a run that waits.
    pub(super) async fn queue_turn(&self, organization_id: Uuid) -> Result<(), StorageError> {
        use sync_turns::{ActiveModel, Column};
        let row = ActiveModel { organization_id: Set(organization_id), waiting: Set(true), last_turn: Set(0) };
        let known = OnConflict::column(Column::OrganizationId).update_column(Column::Waiting).to_owned();
        let insert = self.scope().insert(row)?.on_conflict(known);
        insert.exec_without_returning(self).await.map(|_| ()).map_err(storage)
    }

    /// The organisation whose turn it is, locked until the end, if one waits that has fewer runs than `most_of_one`.
    async fn next_turn(&self, most_of_one: u16) -> Result<Option<Uuid>, StorageError> {
        use sync_turns::Column;
        let mut select = self
            .scope()
            .select::<Column>()
            .select_only()
            .column(Column::OrganizationId)
            .filter(Column::Waiting.eq(true))
            .filter(Expr::exists(self.runs_ready()))
            .filter(Expr::from(SubQueryStatement::from(Self::runs_started())).lt(i64::from(most_of_one)))
            .order_by_asc(Column::LastTurn)
            .order_by_asc(Column::OrganizationId)
            .limit(1)
            .into_query();
        if self.locks_rows() {
            select.lock_with_behavior(LockType::NoKeyUpdate, LockBehavior::SkipLocked);
        }
        self.row(&select).await?.map(|row| RowReader::new(&row).take()).transpose()
    }

    /// How many runs of the organisation workers have.
    async fn started(&self, organization_id: Uuid) -> Result<u64, StorageError> {
        let select = self
            .scope()
            .select::<sync_runs::Column>()
            .select_only()
            .expr(Expr::col(Asterisk).count())
            .filter(sync_runs::Column::OrganizationId.eq(organization_id))
            .filter(in_state(RunState::Started))
            .filter(has_worker());
        self.count(&select.into_query()).await
    }

    /// The runs of the turn's organisation that may be taken now.
    fn runs_ready(&self) -> SelectStatement {
        let ready = Expr::col(sync_runs::Column::RunAfterMs.as_column_ref()).lte(now_ms(self.get_database_backend()));
        let mut select = Self::runs_in(RunState::Queued);
        select.expr(Expr::val(1)).and_where(ready);
        select
    }

    /// How many runs of the turn's organisation workers have.
    fn runs_started() -> SelectStatement {
        let mut select = Self::runs_in(RunState::Started);
        select.expr(Expr::col(Asterisk).count()).and_where(has_worker());
        select
    }

    fn runs_in(state: RunState) -> SelectStatement {
        use sync_runs::Column;
        let of_turn = Expr::col(Column::OrganizationId.as_column_ref())
            .equals(sync_turns::Column::OrganizationId.as_column_ref());
        let mut select = Query::select();
        // A literal, so that the partial indexes are used.
        select.from(Column::Id.entity_name()).and_where(of_turn).and_where(in_state(state));
        select
    }

    async fn take_oldest(
        &self,
        organization_id: Uuid,
        worker: &WorkerName,
        lease: Duration,
        at: DateTime<Utc>,
    ) -> Result<Option<Claim>, StorageError> {
        use sync_runs::{ActiveModel, Column};
        let select = self
            .scope()
            .select::<Column>()
            .select_only()
            .columns([Column::Id, Column::UserId, Column::LeaseEpoch])
            .filter(Column::OrganizationId.eq(organization_id))
            .filter(in_state(RunState::Queued))
            .filter(Expr::col(Column::RunAfterMs).lte(now_ms(self.get_database_backend())))
            .order_by_asc(Column::Id)
            .limit(1);
        let Some(row) = self.row(&self.lock(select).into_query()).await? else { return Ok(None) };
        let mut row = RowReader::new(&row);
        let (id, user_id, epoch): (Uuid, Uuid, i64) = (row.take()?, row.take()?, row.take()?);
        let epoch = epoch.saturating_add(1);
        let change = ActiveModel {
            state: Set(RunState::Started.as_str().to_owned()),
            lease_owner: Set(Some(worker.as_str().to_owned())),
            lease_epoch: Set(epoch),
            lease_advance: Set(0),
            updated_at: Set(at),
            ..Default::default()
        };
        let first = Func::coalesce([Expr::col(Column::StartedAt), Expr::val(at)]);
        let update = self
            .scope()
            .update_many::<Column>()
            .set(change)
            .col_expr(Column::StartedAt, first.into())
            .col_expr(Column::LeaseUntilMs, from_now(self, lease))
            .filter(Column::OrganizationId.eq(organization_id))
            .filter(Column::Id.eq(id));
        update.exec(self).await.map_err(storage)?;
        Ok(Some(Claim {
            organization_id: OrganizationId::from_uuid(organization_id),
            user_id: UserId::from_uuid(user_id),
            lease: Lease { run_id: RunId::from_uuid(id), epoch },
        }))
    }

    /// The organisation's next turn is behind those of all others that wait.
    async fn end_turn(&self, organization_id: Uuid) -> Result<(), StorageError> {
        use sync_turns::{ActiveModel, Column};
        let queued = self
            .scope()
            .select::<sync_runs::Column>()
            .filter(sync_runs::Column::OrganizationId.eq(organization_id))
            .filter(in_state(RunState::Queued));
        let waiting = self.exists(queued).await?;
        let update = self
            .scope()
            .update_many::<Column>()
            .set(ActiveModel { waiting: Set(waiting), ..Default::default() })
            .col_expr(Column::LastTurn, now_ms(self.get_database_backend()))
            .filter(Column::OrganizationId.eq(organization_id));
        update.exec(self).await.map(|_| ()).map_err(storage)
    }

    /// Direct uploads on which nothing has happened since then, locked until the end.
    async fn idle_runs(&self, since: DateTime<Utc>) -> Result<Vec<Run>, StorageError> {
        use sync_runs::Column;
        let mut select = self
            .scope()
            .select::<Column>()
            .select_only()
            .columns(RUN_COLUMNS)
            .column(Column::UpdatedAt)
            .filter(in_state(RunState::Started))
            .filter(has_worker().not())
            .filter(Column::UpdatedAt.lt(since))
            .order_by_asc(Column::Id)
            .limit(BATCH)
            .into_query();
        if self.locks_rows() {
            select.lock_with_behavior(LockType::NoKeyUpdate, LockBehavior::SkipLocked);
        }
        self.rows(&select).await?.iter().map(read_run).collect()
    }

    async fn end_run(&self, run: Run) -> Result<Run, StorageError> {
        use sync_runs::{ActiveModel, Column};
        let change = ActiveModel {
            state: Set(run.state.as_str().to_owned()),
            error: Set(run.error.clone()),
            finished_at: Set(run.finished_at),
            updated_at: Set(run.updated_at),
            ..Default::default()
        };
        let update = self
            .scope()
            .update_many::<Column>()
            .set(change)
            .filter(Column::OrganizationId.eq(run.organization_id.as_uuid()))
            .filter(Column::Id.eq(run.id.as_uuid()));
        update.exec(self).await.map_err(storage)?;
        Ok(run)
    }

    async fn lost_runs(&self) -> Result<Vec<LostRun>, StorageError> {
        use sync_runs::Column;
        let mut select = self
            .scope()
            .select::<Column>()
            .select_only()
            .columns([Column::OrganizationId, Column::Id, Column::LeaseEpoch, Column::LeaseAdvance, Column::Crashes])
            .filter(in_state(RunState::Started))
            .filter(Expr::col(Column::LeaseUntilMs).lt(now_ms(self.get_database_backend())))
            // Turns are locked in this order by all who sweep.
            .order_by_asc(Column::OrganizationId)
            .limit(BATCH)
            .into_query();
        if self.locks_rows() {
            select.lock_with_behavior(LockType::NoKeyUpdate, LockBehavior::SkipLocked);
        }
        let read = |row| {
            let mut row = RowReader::new(row);
            let (organization_id, id): (Uuid, Uuid) = (row.take()?, row.take()?);
            let (epoch, advance): (i64, i64) = (row.take()?, row.take()?);
            let crashes = small(row.take()?, "sync_runs", id, "crashes")?;
            // Under this epoch nothing is advanced before a result is stored.
            Ok(LostRun { organization_id, id, epoch, crashes: if advance > 0 { 0 } else { crashes } })
        };
        self.rows(&select).await?.iter().map(read).collect()
    }

    /// Queues a lost run again, or gives it up. The epoch grows, so that its worker, should it live, is refused.
    async fn take_away(&self, lost: &LostRun, at: DateTime<Utc>) -> Result<(), StorageError> {
        use sync_runs::{ActiveModel, Column};
        let crashes = lost.crashes.saturating_add(1);
        let is_given_up = crashes >= Run::MAX_CRASHES;
        let state = if is_given_up { RunState::Failed } else { RunState::Queued };
        let change = ActiveModel {
            state: Set(state.as_str().to_owned()),
            error: Set(is_given_up.then(|| GIVEN_UP.to_owned())),
            crashes: Set(stored_small(crashes)),
            lease_owner: Set(None),
            lease_epoch: Set(lost.epoch.saturating_add(1)),
            lease_until_ms: Set(None),
            finished_at: Set(is_given_up.then_some(at)),
            updated_at: Set(at),
            ..Default::default()
        };
        // The first death says little of the run; it may have been the machine's.
        let wait = if crashes == 1 {
            Duration::ZERO
        } else {
            FIRST_WAIT * 2_u32.saturating_pow(u32::from(crashes).saturating_sub(2))
        };
        let update = self
            .scope()
            .update_many::<Column>()
            .set(change)
            .col_expr(Column::RunAfterMs, from_now(self, wait))
            .filter(Column::OrganizationId.eq(lost.organization_id))
            .filter(Column::Id.eq(lost.id));
        update.exec(self).await.map_err(storage)?;
        if is_given_up { Ok(()) } else { self.queue_turn(lost.organization_id).await }
    }
}

/// Whether a run that is started is a worker's: a direct upload is nobody's.
fn has_worker() -> Expr {
    Expr::col(sync_runs::Column::LeaseUntilMs.as_column_ref()).is_not_null()
}

/// A literal rather than a parameter, so that the partial indexes are used.
fn in_state(state: RunState) -> Expr {
    let name = match state {
        RunState::Queued => "'queued'",
        _ => "'started'",
    };
    Expr::col(sync_runs::Column::State.as_column_ref()).eq(Expr::cust(name))
}
