use std::time::Duration;

use actix_web::http::StatusCode;

use super::arrival::Arrival;
use crate::metrics::Metrics;

/// What stands for the path of a request that no route answers; the path itself may hold a secret.
const NO_ROUTE: &str = "none";

/// Counts an answer and writes the one line that a request gets in the log.
pub(super) fn record(arrival: &Arrival, status: StatusCode, metrics: &Metrics) {
    let scope = &arrival.scope;
    let route = scope.route().unwrap_or(NO_ROUTE);
    let duration = arrival.at.elapsed();
    let method = method_label(arrival.method.as_str());
    metrics.observe(method, route, status.as_str(), duration);
    tracing::info!(
        method,
        route,
        status = status.as_u16(),
        duration_ms = milliseconds(duration),
        request_id = scope.request_id(),
        address = scope.address().map(tracing::field::display),
        user_id = scope.user_id().map(tracing::field::display),
        organization_id = scope.organization_id().map(tracing::field::display),
        "request answered"
    );
}

/// To the microsecond.
fn milliseconds(duration: Duration) -> f64 {
    f64::from(u32::try_from(duration.as_micros()).unwrap_or(u32::MAX)) / 1_000.0
}

/// The method, if it is a known one: clients may make up others, and each label costs memory.
fn method_label(method: &str) -> &str {
    const KNOWN: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    if KNOWN.contains(&method) { method } else { "other" }
}
