//! Connections to PostgreSQL: a pool for requests, one for the platform, and the migrator's.

use std::time::Duration;

use log::LevelFilter;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions, Connection};
use tenantry_migrations::roles;

use crate::StoreOptions;
use crate::url::{DatabaseUrlError, PostgresUrl};

/// A connection that was used more recently than this is taken for good: a check costs a round trip.
const PING_AFTER_IDLE: Duration = Duration::from_secs(30);

/// A connection that does not answer within this is given up.
const PING_TIMEOUT: Duration = Duration::from_secs(2);

/// Connections for administration and sweepers.
const PLATFORM_CONNECTIONS: u32 = 4;

/// Statements prepared per connection; the store has fewer shapes.
const STATEMENT_CACHE: usize = 256;

const SLOW_STATEMENT: Duration = Duration::from_secs(1);

/// The pool whose connections are bound to the policies of `tenantry_app`.
pub(crate) fn app_pool(url: &PostgresUrl, options: &StoreOptions) -> Result<PgPool, DatabaseUrlError> {
    let connections = options.pool_size.saturating_add(options.pool_overflow).max(1);
    pool(url, roles::APP, connections, options)
}

/// The pool whose connections see all tenants.
pub(crate) fn platform_pool(url: &PostgresUrl, options: &StoreOptions) -> Result<PgPool, DatabaseUrlError> {
    pool(url, roles::PLATFORM, PLATFORM_CONNECTIONS, options)
}

/// A pool of one connection with the login's own rights, without time limits: a back-fill may be long.
pub(crate) fn migrator_pool(url: &PostgresUrl, options: &StoreOptions) -> Result<PgPool, DatabaseUrlError> {
    let pool = PgPoolOptions::new().max_connections(1).acquire_timeout(options.acquire_timeout);
    Ok(pool.connect_lazy_with(logged(url.options()?, options.log_sql)))
}

fn pool(url: &PostgresUrl, role: &str, connections: u32, options: &StoreOptions) -> Result<PgPool, DatabaseUrlError> {
    let limit = options.statement_timeout.as_millis().to_string();
    let connect = logged(url.options()?, options.log_sql)
        .application_name("tenantry")
        .statement_cache_capacity(STATEMENT_CACHE)
        // Startup options: nothing has to be run on a new connection, and nothing can forget to.
        .options([
            ("role", role),
            ("statement_timeout", &limit),
            ("idle_in_transaction_session_timeout", &limit),
            ("lock_timeout", &limit),
        ]);
    let pre_ping = options.pre_ping;
    let pool = PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(options.acquire_timeout)
        .test_before_acquire(false)
        .before_acquire(move |connection, state| {
            Box::pin(async move {
                if !pre_ping || state.idle_for < PING_AFTER_IDLE {
                    return Ok(true);
                }
                let answer = tokio::time::timeout(PING_TIMEOUT, connection.ping()).await;
                Ok(matches!(answer, Ok(Ok(()))))
            })
        });
    Ok(pool.connect_lazy_with(connect))
}

fn logged(options: PgConnectOptions, log_sql: bool) -> PgConnectOptions {
    let level = if log_sql { LevelFilter::Info } else { LevelFilter::Off };
    options.log_statements(level).log_slow_statements(LevelFilter::Warn, SLOW_STATEMENT)
}
