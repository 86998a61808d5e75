use std::time::Duration;

use crate::DatabaseUrl;

/// How to reach the database, and how much of it to use.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// Where requests' data is.
    pub url: DatabaseUrl,
    /// A second login to the same PostgreSQL database for platform administration and sweepers; `url` where absent.
    pub platform_url: Option<DatabaseUrl>,
    /// PostgreSQL connections for requests that are kept.
    pub pool_size: u32,
    /// PostgreSQL connections beyond those under load; closed again when idle.
    pub pool_overflow: u32,
    /// Whether to check a PostgreSQL connection that was idle for 30 s before its use.
    pub pre_ping: bool,
    /// Whether to log every statement, without its values.
    pub log_sql: bool,
    /// How long a request waits for a connection.
    pub acquire_timeout: Duration,
    /// How long one statement of a request may take, and how long a transaction may do nothing. Followers of
    /// revocations rely on it being well below a minute.
    pub statement_timeout: Duration,
}

impl StoreOptions {
    /// The defaults, for a database at `url`.
    #[must_use]
    pub fn new(url: DatabaseUrl) -> Self {
        Self {
            url,
            platform_url: None,
            pool_size: 10,
            pool_overflow: 20,
            pre_ping: true,
            log_sql: false,
            acquire_timeout: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(8),
        }
    }
}
