//! Connections to a SQLite file: one that writes, and some that read beside it.

use std::path::Path;
use std::thread;
use std::time::Duration;

use log::LevelFilter;
use sqlx::ConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};

use crate::StoreOptions;

const SLOW_STATEMENT: Duration = Duration::from_secs(1);

/// Statements prepared per connection; the store has fewer shapes.
const STATEMENT_CACHE: usize = 256;

/// Page cache per connection in KiB; negative is SQLite's way of saying KiB.
const CACHE_KIB: &str = "-8192";

/// Bytes of the file that are read through the memory map rather than copied.
const MAP_BYTES: &str = "268435456";

/// Rows that a connection's thread may be ahead of its reader: more than the largest page, so that it never waits.
const ROWS_AHEAD: usize = 128;

/// The pool of the one connection that writes. Writers queue for it rather than for SQLite's lock, which is not fair.
pub(crate) fn writer(path: &Path, options: &StoreOptions) -> SqlitePool {
    let connect = connection(path, options)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // A commit that was answered survives a power failure.
        .synchronous(SqliteSynchronous::Full);
    pool(1, options).connect_lazy_with(connect)
}

/// The pool of the connections that read; each statement sees the file as it was when it began.
pub(crate) fn readers(path: &Path, options: &StoreOptions) -> SqlitePool {
    let cores = thread::available_parallelism().map_or(2, |cores| u32::try_from(cores.get()).unwrap_or(u32::MAX));
    let connect = connection(path, options).read_only(true).pragma("query_only", "ON");
    pool(cores.saturating_mul(2), options).connect_lazy_with(connect)
}

fn connection(path: &Path, options: &StoreOptions) -> SqliteConnectOptions {
    let level = if options.log_sql { LevelFilter::Info } else { LevelFilter::Off };
    SqliteConnectOptions::new()
        .filename(path)
        .foreign_keys(true)
        .busy_timeout(options.acquire_timeout)
        .statement_cache_capacity(STATEMENT_CACHE)
        .row_buffer_size(ROWS_AHEAD)
        .pragma("cache_size", CACHE_KIB)
        .pragma("mmap_size", MAP_BYTES)
        .pragma("temp_store", "MEMORY")
        .log_statements(level)
        .log_slow_statements(LevelFilter::Warn, SLOW_STATEMENT)
}

/// The connection to a file doesn't go stale, so it is neither checked nor replaced.
fn pool(connections: u32, options: &StoreOptions) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(options.acquire_timeout)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
}
