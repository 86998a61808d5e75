//! The database's own clock, which all workers share.

use std::time::Duration;

use sea_orm::DbBackend;
use sea_orm::sea_query::Expr;

/// What reads it, in milliseconds since 1970.
pub(crate) fn now_ms_sql(backend: DbBackend) -> &'static str {
    match backend {
        DbBackend::Postgres => "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS bigint)",
        _ => "CAST(unixepoch('subsec') * 1000 AS INTEGER)",
    }
}

/// The same, as an expression.
pub(crate) fn now_ms(backend: DbBackend) -> Expr {
    Expr::cust(now_ms_sql(backend))
}

/// A duration as it is added to that.
pub(crate) fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4)
}
