use std::sync::Arc;

use sea_orm::{DatabaseConnection, SqlxPostgresConnector, SqlxSqliteConnector};
use sqlx::postgres::PgPool;
use sqlx::sqlite::SqlitePool;
use tenantry_application::ports::JobBell;
use tenantry_kernel::StorageError;

use crate::bells::Bells;
use crate::error::{storage, storage_sqlx};
use crate::jobs::JobTurns;
use crate::scope::Scope;
use crate::transaction::{Mode, StoreTransaction};
use crate::url::DatabaseUrlError;
use crate::{DatabaseUrl, StoreOptions, postgres, sqlite};

/// The connections to the database of one process. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Database {
    pools: Pools,
    job_turns: JobTurns,
    bells: Bells,
}

#[derive(Debug, Clone)]
enum Pools {
    Postgres { app: PgPool, platform: PgPool },
    Sqlite { writer: SqlitePool, readers: SqlitePool },
}

/// Connections that are bound to no tenant, for those who bring tables of their own.
#[derive(Debug, Clone)]
pub enum SqlPool {
    /// To PostgreSQL.
    Postgres(PgPool),
    /// To SQLite, for writing.
    Sqlite(SqlitePool),
}

impl SqlPool {
    /// The same connections for `tenantry_migrations`.
    #[must_use]
    pub fn connection(&self) -> DatabaseConnection {
        match self {
            Self::Postgres(pool) => SqlxPostgresConnector::from_sqlx_postgres_pool(pool.clone()),
            Self::Sqlite(pool) => SqlxSqliteConnector::from_sqlx_sqlite_pool(pool.clone()),
        }
    }

    /// Closes them.
    pub async fn close(&self) {
        match self {
            Self::Postgres(pool) => pool.close().await,
            Self::Sqlite(pool) => pool.close().await,
        }
    }
}

/// How far the schema is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SchemaState {
    /// Steps that were applied.
    pub applied: usize,
    /// Steps that this version knows and that were not applied.
    pub pending: usize,
}

/// How many connections a pool has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolState {
    /// Which pool: `app` or `platform`, `writer` or `readers`.
    pub name: &'static str,
    /// Connections that are open.
    pub open: u32,
    /// Open connections that nobody uses.
    pub idle: u32,
    /// Connections there may be at most.
    pub limit: u32,
}

impl Database {
    /// Prepares the pools. Connections are made when they are first needed, so this does not fail when the database
    /// is away. Call it within a tokio runtime.
    ///
    /// # Errors
    /// [`DatabaseUrlError`] when a URL can't be used.
    pub fn new(options: &StoreOptions) -> Result<Self, DatabaseUrlError> {
        let pools = match &options.url {
            DatabaseUrl::Postgres(url) => {
                let platform = match &options.platform_url {
                    Some(DatabaseUrl::Postgres(platform)) => platform,
                    Some(DatabaseUrl::Sqlite(_)) => return Err(DatabaseUrlError::Scheme),
                    None => url,
                };
                Pools::Postgres {
                    app: postgres::app_pool(url, options)?,
                    platform: postgres::platform_pool(platform, options)?,
                }
            }
            DatabaseUrl::Sqlite(path) => {
                Pools::Sqlite { writer: sqlite::writer(path, options), readers: sqlite::readers(path, options) }
            }
        };
        Ok(Self { pools, job_turns: JobTurns::default(), bells: Bells::default() })
    }

    /// The same connections; whatever is put into a queue rings `bell`.
    #[must_use]
    pub fn ringing(self, bell: Arc<dyn JobBell>) -> Self {
        Self { bells: Bells::new(bell), ..self }
    }

    /// A connection for `tenantry_migrations`: the login's own rights, and one connection only.
    ///
    /// # Errors
    /// [`DatabaseUrlError`] when the URL can't be used.
    pub fn migrator(options: &StoreOptions) -> Result<DatabaseConnection, DatabaseUrlError> {
        Self::migrator_pool(options).map(|pool| pool.connection())
    }

    /// The same, for those who bring migrations of their own.
    ///
    /// # Errors
    /// [`DatabaseUrlError`] when the URL can't be used.
    pub fn migrator_pool(options: &StoreOptions) -> Result<SqlPool, DatabaseUrlError> {
        Ok(match &options.url {
            DatabaseUrl::Postgres(url) => SqlPool::Postgres(postgres::migrator_pool(url, options)?),
            DatabaseUrl::Sqlite(path) => SqlPool::Sqlite(sqlite::writer(path, options)),
        })
    }

    /// Begins a transaction that is bound to `scope`.
    pub(crate) async fn begin(&self, scope: Scope, mode: Mode) -> Result<StoreTransaction, StorageError> {
        let transaction = match &self.pools {
            Pools::Postgres { app, platform } => {
                let pool = if scope.is_platform() { platform } else { app };
                StoreTransaction::begin_postgres(pool, scope, mode).await
            }
            Pools::Sqlite { writer, readers } => {
                let pool = if mode == Mode::Write { writer } else { readers };
                StoreTransaction::begin_sqlite(pool, scope, mode).await
            }
        };
        transaction.map(|transaction| transaction.ringing(self.bells.clone()))
    }

    /// Asks the database for an answer, whatever it is.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`] when there is none in time.
    pub async fn ping(&self) -> Result<(), StorageError> {
        let outcome = match &self.pools {
            Pools::Postgres { app, .. } => sqlx::query("SELECT 1").execute(app).await.map(|_| ()),
            Pools::Sqlite { readers, .. } => sqlx::query("SELECT 1").execute(readers).await.map(|_| ()),
        };
        outcome.map_err(storage_sqlx)
    }

    /// How far the schema is, as the role that serves requests sees it.
    ///
    /// # Errors
    /// [`StorageError`] when the database does not answer, or was never migrated.
    pub async fn schema(&self) -> Result<SchemaState, StorageError> {
        let connection = match &self.pools {
            Pools::Postgres { app, .. } => SqlxPostgresConnector::from_sqlx_postgres_pool(app.clone()),
            Pools::Sqlite { readers, .. } => SqlxSqliteConnector::from_sqlx_sqlite_pool(readers.clone()),
        };
        let steps = tenantry_migrations::status(&connection).await.map_err(storage)?;
        let applied = steps.iter().filter(|step| step.applied).count();
        Ok(SchemaState { applied, pending: steps.len() - applied })
    }

    /// The pool that may write and is not bound to one tenant.
    #[must_use]
    pub fn background_pool(&self) -> SqlPool {
        match &self.pools {
            Pools::Postgres { platform, .. } => SqlPool::Postgres(platform.clone()),
            Pools::Sqlite { writer, .. } => SqlPool::Sqlite(writer.clone()),
        }
    }

    /// Which database it is: `postgresql` or `sqlite`.
    #[must_use]
    pub fn backend(&self) -> &'static str {
        if self.is_postgres() { "postgresql" } else { "sqlite" }
    }

    /// How busy the pools are.
    #[must_use]
    pub fn pool_states(&self) -> [PoolState; 2] {
        match &self.pools {
            Pools::Postgres { app, platform } => [state("app", app), state("platform", platform)],
            Pools::Sqlite { writer, readers } => [state("writer", writer), state("readers", readers)],
        }
    }

    /// Closes all connections, once the transactions that use them have ended.
    pub async fn close(&self) {
        match &self.pools {
            Pools::Postgres { app, platform } => {
                app.close().await;
                platform.close().await;
            }
            Pools::Sqlite { writer, readers } => {
                readers.close().await;
                // The last to go, so that it moves the write-ahead log into the file.
                writer.close().await;
            }
        }
    }

    /// Whose turn it is to have jobs done.
    pub(crate) fn job_turns(&self) -> &JobTurns {
        &self.job_turns
    }

    /// Whether it is PostgreSQL.
    pub(crate) fn is_postgres(&self) -> bool {
        matches!(self.pools, Pools::Postgres { .. })
    }

    /// The pool of requests, on PostgreSQL.
    pub(crate) fn postgres_app(&self) -> Option<&PgPool> {
        match &self.pools {
            Pools::Postgres { app, .. } => Some(app),
            Pools::Sqlite { .. } => None,
        }
    }
}

fn state<DB: sqlx::Database>(name: &'static str, pool: &sqlx::Pool<DB>) -> PoolState {
    PoolState {
        name,
        open: pool.size(),
        idle: u32::try_from(pool.num_idle()).unwrap_or(u32::MAX),
        limit: pool.options().get_max_connections(),
    }
}
