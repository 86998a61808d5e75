//! What operators count: requests by route and status, and how long they take.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse};
use prometheus::{Encoder as _, HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry, TextEncoder};
use secrecy::ExposeSecret as _;
use subtle::ConstantTimeEq as _;

use crate::{
    caller::bearer_token,
    operations::Operations,
    options::HttpOptions,
    problem::{ErrorCode, Problem},
    state::HttpState,
};

/// Upper bounds of the duration buckets, in seconds.
const BUCKETS: [f64; 12] = [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 10.0];

/// The counters of this server. Clones count together.
#[derive(Clone)]
pub struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    durations: HistogramVec,
}

impl Metrics {
    /// Counters at zero.
    ///
    /// # Errors
    /// Only if a name or label were malformed or taken.
    pub fn new() -> prometheus::Result<Self> {
        let labels = ["method", "route", "status"];
        let requests = IntCounterVec::new(Opts::new("http_requests_total", "Requests answered."), &labels)?;
        let durations = HistogramVec::new(
            HistogramOpts::new("http_request_duration_seconds", "Time until the answer began, in seconds.")
                .buckets(BUCKETS.to_vec()),
            &["method", "route"],
        )?;
        let registry = Registry::new();
        registry.register(Box::new(requests.clone()))?;
        registry.register(Box::new(durations.clone()))?;
        Ok(Self { registry, requests, durations })
    }

    /// Where the application registers gauges of its own: connection pool, queues. A
    /// [`Collector`](prometheus::core::Collector) is asked each time `/metrics` is read.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    pub(crate) fn observe(&self, method: &str, route: &str, status: &str, duration: Duration) {
        self.requests.with_label_values(&[method, route, status]).inc();
        self.durations.with_label_values(&[method, route]).observe(duration.as_secs_f64());
    }
}

pub(crate) fn operations(operations: &mut Operations) {
    operations.root::<__path_read, _, _>(read);
}

/// Reads the metrics.
///
/// Asks for the bearer token `metrics.token` where one is configured.
#[utoipa::path(get, path = "/metrics", tag = "service", operation_id = "metrics", security((), ("bearer" = [])),
    responses((status = 200, description = "the Prometheus text format", body = String, content_type = "text/plain")))]
async fn read(request: HttpRequest) -> Result<HttpResponse, Problem> {
    authorize(&request)?;
    let state = HttpState::of(&request)?;
    let mut text = Vec::new();
    let encoder = TextEncoder::new();
    encoder.encode(&state.metrics.registry.gather(), &mut text).map_err(|error| Problem::internal(&error))?;
    Ok(HttpResponse::Ok().content_type(encoder.format_type()).body(text))
}

fn authorize(request: &HttpRequest) -> Result<(), Problem> {
    let Some(token) = &HttpOptions::of(request).metrics_token else { return Ok(()) };
    let equal = bearer_token(request)?.as_bytes().ct_eq(token.expose_secret().as_bytes());
    if bool::from(equal) { Ok(()) } else { Err(Problem::new(ErrorCode::TokenInvalid)) }
}
