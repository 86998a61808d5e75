use apalis_postgres::PostgresStorage;
use apalis_sqlite::SqliteStorage;
use sqlx::PgPool;

use crate::{JobsError, QueueDatabase};

/// Lets the group roles that exist use the queue: a worker does everything, a request may ring and no more, since
/// the rows of all tenants are side by side here.
const GRANTS: &str = "
    DO $grants$
    BEGIN
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'tenantry_platform') THEN
            GRANT USAGE ON SCHEMA apalis TO tenantry_platform;
            GRANT SELECT, INSERT, UPDATE, DELETE ON apalis.jobs, apalis.workers TO tenantry_platform;
        END IF;
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'tenantry_app') THEN
            GRANT USAGE ON SCHEMA apalis TO tenantry_app;
            GRANT INSERT ON apalis.jobs TO tenantry_app;
        END IF;
    END
    $grants$";

/// Makes or updates the queue's tables, beside ours: `Jobs` and `Workers` on SQLite, the schema `apalis` on
/// PostgreSQL, where the extensions hstore and pgcrypto come with it.
///
/// Needs the owner's connection, after our own migrations have made the roles. There is no way down but to drop them.
/// The storage's `setup` is not used: it would switch SQLite's `synchronous` off for the whole file.
///
/// # Errors
/// [`JobsError::Migrate`], [`JobsError::Database`].
pub async fn migrate(database: &QueueDatabase) -> Result<(), JobsError> {
    match database {
        QueueDatabase::Sqlite(pool) => SqliteStorage::migrations().run(pool).await?,
        QueueDatabase::Postgres(pool) => {
            PostgresStorage::migrations().run(pool).await?;
            grant(pool).await?;
        }
    }
    Ok(())
}

async fn grant(pool: &PgPool) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(GRANTS).execute(pool).await.map(|_| ())
}
