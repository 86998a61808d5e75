use std::fmt::Write;

use async_trait::async_trait;
use sea_orm::sea_query::{Expr, LockType, SelectStatement, Value, Values};
use sea_orm::{
    ActiveModelTrait, ConnectionTrait, DbBackend, DbErr, EntityTrait, ExecResult, QueryResult, QuerySelect, QueryTrait,
    RuntimeErr, Select, Statement, TryInsert, TryInsertResult,
};
use sea_query_sqlx::SqlxValues;
use sqlx::postgres::PgPool;
use sqlx::query::Query;
use sqlx::sqlite::SqlitePool;
use sqlx::{AssertSqlSafe, IntoArguments, Postgres, SqlSafeStr, Sqlite};
use tenantry_kernel::{StorageError, Transaction};
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::bells::{Bells, WantedBells};
use crate::error::{storage, storage_sqlx};
use crate::literal_limit::with_literal_limits;
use crate::open_transaction::OpenTransaction;
use crate::row::RowReader;
use crate::scope::Scope;

/// Whether a transaction may write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// It only reads; the database refuses more.
    Read,
    /// It may write. On SQLite there is one at a time.
    Write,
}

/// A unit of work on either database, bound to what its context may see. It implements the transaction trait of every
/// domain.
///
/// sea-orm queries run on it through [`ConnectionTrait`], each as a prepared statement that the connection keeps.
pub struct StoreTransaction {
    scope: Scope,
    mode: Mode,
    backend: DbBackend,
    /// `ConnectionTrait` lends the transaction out shared. Nobody ever waits here: repositories take it exclusively.
    work: Mutex<Work>,
    bells: Bells,
    wanted_bells: WantedBells,
}

struct Work {
    connection: Connection,
    /// Whether a statement failed, or did a part of what it should. PostgreSQL then ignores the rest of the transaction, and answers COMMIT with a
    /// rollback that it doesn't call an error.
    has_failed: bool,
}

enum Connection {
    Postgres(OpenTransaction<Postgres>),
    Sqlite(OpenTransaction<Sqlite>),
}

#[derive(Debug, thiserror::Error)]
#[error("a statement of the transaction failed, so it can't be committed")]
struct FailedBefore;

impl StoreTransaction {
    /// Begins on PostgreSQL: BEGIN and the settings that its policies read go in one round trip.
    pub(crate) async fn begin_postgres(pool: &PgPool, scope: Scope, mode: Mode) -> Result<Self, StorageError> {
        let sql = postgres_begin(&scope, mode);
        let open = OpenTransaction::begin(pool, AssertSqlSafe(sql).into_sql_str()).await.map_err(storage_sqlx)?;
        Ok(Self::new(scope, mode, DbBackend::Postgres, Connection::Postgres(open)))
    }

    /// Begins on SQLite. A writer takes the lock at once: to take it later could fail half-way. A reader needs no BEGIN:
    /// its connection can't write, and each statement sees what was committed before it, as on PostgreSQL.
    pub(crate) async fn begin_sqlite(pool: &SqlitePool, scope: Scope, mode: Mode) -> Result<Self, StorageError> {
        let open = match mode {
            Mode::Write => OpenTransaction::begin(pool, "BEGIN IMMEDIATE".into_sql_str()).await,
            Mode::Read => OpenTransaction::without_begin(pool).await,
        };
        Ok(Self::new(scope, mode, DbBackend::Sqlite, Connection::Sqlite(open.map_err(storage_sqlx)?)))
    }

    fn new(scope: Scope, mode: Mode, backend: DbBackend, connection: Connection) -> Self {
        let work = Mutex::new(Work { connection, has_failed: false });
        Self { scope, mode, backend, work, bells: Bells::default(), wanted_bells: WantedBells::default() }
    }

    /// The same, which rings these bells once it is committed.
    pub(crate) fn ringing(self, bells: Bells) -> Self {
        Self { bells, ..self }
    }

    /// For which queues to ring.
    pub(crate) fn wanted_bells(&self) -> &WantedBells {
        &self.wanted_bells
    }

    /// What the transaction is bound to.
    pub(crate) fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Binds what follows in the transaction to another scope; on PostgreSQL its settings follow.
    pub(crate) async fn rebind(&mut self, scope: Scope) -> Result<(), StorageError> {
        if self.backend == DbBackend::Postgres && scope != self.scope {
            let id = |id: Option<Uuid>| Value::from(id.map_or_else(String::new, |id| id.to_string()));
            let set = "SELECT set_config('app.organization_id', $1, true), set_config('app.user_id', $2, true)";
            let set =
                Statement::from_sql_and_values(self.backend, set, [id(scope.organization_id()), id(scope.user_id())]);
            self.query_one_raw(set).await.map_err(storage)?;
        }
        self.scope = scope;
        Ok(())
    }

    /// Locks what is found until the end, where the transaction may write: for the other writers, not for those who
    /// only refer to it.
    pub(crate) fn lock<E: EntityTrait>(&self, select: Select<E>) -> Select<E> {
        if self.locks_rows() { select.lock(LockType::NoKeyUpdate) } else { select }
    }

    /// The first row.
    pub(crate) async fn row(&self, select: &SelectStatement) -> Result<Option<QueryResult>, StorageError> {
        self.query_one(select).await.map_err(storage)
    }

    /// All rows.
    pub(crate) async fn rows(&self, select: &SelectStatement) -> Result<Vec<QueryResult>, StorageError> {
        self.query_all(select).await.map_err(storage)
    }

    /// The number that a count answers.
    pub(crate) async fn count(&self, select: &SelectStatement) -> Result<u64, StorageError> {
        let row = self.row(select).await?;
        let count: i64 = row.map_or(Ok(0), |row| RowReader::new(&row).take())?;
        Ok(u64::try_from(count).unwrap_or_default())
    }

    /// Inserts a row unless its key is there already; tells whether it was new.
    pub(crate) async fn insert_new<A: ActiveModelTrait>(&self, insert: TryInsert<A>) -> Result<bool, StorageError> {
        let outcome = insert.exec_without_returning(self).await.map_err(storage)?;
        // sea-orm calls a conflict an insertion of no row here.
        Ok(matches!(outcome, TryInsertResult::Inserted(1..)))
    }

    /// Whether there is any such row.
    pub(crate) async fn exists<E: EntityTrait>(&self, select: Select<E>) -> Result<bool, StorageError> {
        let select = select.select_only().expr(Expr::val(1)).limit(1).into_query();
        Ok(self.row(&select).await?.is_some())
    }

    /// From here on nothing of the transaction can be kept, as if a statement had failed.
    pub(crate) fn forbid_commit(&mut self) {
        self.work.get_mut().has_failed = true;
    }

    /// Whether rows that are found should be locked until the end: on SQLite the writer has locked everything.
    pub(crate) fn locks_rows(&self) -> bool {
        self.mode == Mode::Write && self.backend == DbBackend::Postgres
    }
}

/// The ids are UUIDs and the role one of our own words, so none of them can end the literal it stands in. All three are
/// set each time, so that nothing of an earlier transaction can be left.
fn postgres_begin(scope: &Scope, mode: Mode) -> String {
    let begin = if mode == Mode::Write { "BEGIN" } else { "BEGIN READ ONLY" };
    let mut sql = String::with_capacity(256);
    sql.push_str(begin);
    sql.push_str("; SELECT set_config('app.organization_id', '");
    push_id(&mut sql, scope.organization_id());
    sql.push_str("', true), set_config('app.user_id', '");
    push_id(&mut sql, scope.user_id());
    sql.push_str("', true), set_config('app.role', '");
    sql.push_str(scope.role().unwrap_or_default());
    sql.push_str("', true)");
    sql
}

fn push_id(sql: &mut String, id: Option<Uuid>) {
    if let Some(id) = id {
        // Writing to a string can't fail.
        let _ = write!(sql, "{id}");
    }
}

#[async_trait]
impl Transaction for StoreTransaction {
    async fn commit(self: Box<Self>) -> Result<(), StorageError> {
        let work = self.work.into_inner();
        if work.has_failed {
            return Err(StorageError::Internal(FailedBefore.into()));
        }
        match work.connection {
            Connection::Postgres(open) => open.commit().await,
            Connection::Sqlite(open) => open.commit().await,
        }
        .map_err(storage_sqlx)?;
        self.bells.ring(&self.wanted_bells);
        Ok(())
    }
}

/// Runs `$method` of the prepared statement on whichever connection it is; both kinds of row and of result convert
/// into sea-orm's.
macro_rules! run {
    ($self:ident, $statement:ident, $method:ident, $failed:expr, |$found:ident| $convert:expr) => {{
        let mut work = $self.work.lock().await;
        let Work { connection, has_failed } = &mut *work;
        let outcome = match connection {
            Connection::Postgres(open) => {
                let $found = prepared::<Postgres>($statement).$method(open.connection()).await;
                $found.map(|$found| $convert)
            }
            Connection::Sqlite(open) => {
                let $found = prepared::<Sqlite>(with_literal_limits($statement)).$method(open.connection()).await;
                $found.map(|$found| $convert)
            }
        };
        outcome.map_err(|error| {
            *has_failed = true;
            $failed(RuntimeErr::SqlxError(error.into()))
        })
    }};
}

fn prepared<'q, DB: sqlx::Database>(statement: Statement) -> Query<'q, DB, SqlxValues>
where
    SqlxValues: IntoArguments<DB>,
{
    let values = statement.values.unwrap_or_else(|| Values(Vec::new()));
    // The text was made by sea-query, which puts every value in a parameter.
    sqlx::query_with(AssertSqlSafe(statement.sql), SqlxValues(values))
}

#[async_trait]
impl ConnectionTrait for StoreTransaction {
    fn get_database_backend(&self) -> DbBackend {
        self.backend
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        run!(self, statement, execute, DbErr::Exec, |done| done.into())
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.execute_raw(Statement::from_string(self.backend, sql)).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        run!(self, statement, fetch_optional, DbErr::Query, |row| row.map(Into::into))
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        run!(self, statement, fetch_all, DbErr::Query, |rows| rows.into_iter().map(Into::into).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_begins_with_its_settings() {
        let scope = Scope::tenant(Uuid::from_u128(1), Some(Uuid::from_u128(2)), "ADMIN");
        assert_eq!(
            postgres_begin(&scope, Mode::Read),
            "BEGIN READ ONLY; SELECT set_config('app.organization_id', '00000000-0000-0000-0000-000000000001', true), \
             set_config('app.user_id', '00000000-0000-0000-0000-000000000002', true), \
             set_config('app.role', 'ADMIN', true)"
        );
        assert_eq!(
            postgres_begin(&Scope::nobody(), Mode::Write),
            "BEGIN; SELECT set_config('app.organization_id', '', true), set_config('app.user_id', '', true), \
             set_config('app.role', '', true)"
        );
    }
}
