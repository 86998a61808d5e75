use sqlx::{PgPool, SqlitePool};

/// Where the queue is.
#[derive(Debug, Clone)]
pub enum QueueDatabase {
    /// A pool that may write. Two connections are enough.
    Sqlite(SqlitePool),
    /// A pool of the role `tenantry_platform`: a worker serves all tenants. The role `tenantry_app` may ring only.
    Postgres(PgPool),
}
