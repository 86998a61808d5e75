use actix_web::{
    HttpResponse,
    http::{StatusCode, header::CACHE_CONTROL},
    web::Data,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::DatabaseHealth;
use crate::{VERSION, operations::Operations, state::HttpState};

/// Registers the health routes, at the root and under the prefix of the API.
pub(crate) fn operations(operations: &mut Operations) {
    operations.root::<__path_health, _, _>(health).alias_under_api("/health");
    operations.root::<__path_database, _, _>(database).alias_under_api("/health/db");
    operations.root::<__path_live, _, _>(live);
    operations.root::<__path_ready, _, _>(ready);
}

#[derive(Debug, Serialize, ToSchema)]
struct Health {
    #[schema(example = "healthy")]
    status: &'static str,
    version: &'static str,
    /// Whole seconds since the server was started.
    uptime_seconds: u64,
}

#[derive(Debug, Serialize, ToSchema)]
struct DatabaseStatus {
    /// `healthy` or `unhealthy`.
    #[schema(example = "healthy")]
    status: &'static str,
    /// `sqlite` or `postgresql`.
    #[schema(example = "postgresql")]
    backend: &'static str,
    /// How long a round trip took, in milliseconds; null when the database didn't answer.
    #[schema(required)]
    latency_ms: Option<f64>,
    /// Null when the database didn't answer.
    #[schema(required)]
    migrations: Option<Migrations>,
}

#[derive(Debug, Serialize, ToSchema)]
struct Migrations {
    applied: usize,
    pending: usize,
}

#[derive(Debug, Serialize, ToSchema)]
struct Status {
    /// `alive`; `ready`, `starting`, `draining` or `unavailable`.
    #[schema(example = "ready")]
    status: &'static str,
}

/// Says that the server runs.
#[utoipa::path(get, path = "/health", tag = "service", operation_id = "health", security(()),
    responses((status = 200, body = Health)))]
async fn health(state: Data<HttpState>) -> HttpResponse {
    let uptime_seconds = state.started.elapsed().as_secs();
    answer(StatusCode::OK, &Health { status: "healthy", version: VERSION, uptime_seconds })
}

/// Says how the database is.
#[utoipa::path(get, path = "/health/db", tag = "service", operation_id = "health_db", security(()),
    responses((status = 200, body = DatabaseStatus), (status = 503, description = "unhealthy", body = DatabaseStatus)))]
async fn database(state: Data<HttpState>) -> HttpResponse {
    let health = state.health.database().await;
    let status = if health.is_healthy() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    answer(status, &DatabaseStatus::from(health))
}

/// Says that the process lives; it needs no database.
#[utoipa::path(get, path = "/health/live", tag = "service", operation_id = "health_live", security(()),
    responses((status = 200, body = Status)))]
async fn live() -> HttpResponse {
    answer(StatusCode::OK, &Status { status: "alive" })
}

/// Says whether requests should be sent here.
#[utoipa::path(get, path = "/health/ready", tag = "service", operation_id = "health_ready", security(()),
    responses((status = 200, body = Status),
        (status = 503, description = "starting, draining, or cut off from the database", body = Status)))]
async fn ready(state: Data<HttpState>) -> HttpResponse {
    if !state.readiness.is_ready() {
        return answer(StatusCode::SERVICE_UNAVAILABLE, &Status { status: state.readiness.state() });
    }
    if state.health.database().await.is_healthy() {
        answer(StatusCode::OK, &Status { status: "ready" })
    } else {
        answer(StatusCode::SERVICE_UNAVAILABLE, &Status { status: "unavailable" })
    }
}

fn answer(status: StatusCode, body: &impl Serialize) -> HttpResponse {
    HttpResponse::build(status).insert_header((CACHE_CONTROL, "no-store")).json(body)
}

impl From<DatabaseHealth> for DatabaseStatus {
    fn from(health: DatabaseHealth) -> Self {
        Self {
            status: if health.is_healthy() { "healthy" } else { "unhealthy" },
            backend: health.backend,
            latency_ms: health.latency.map(|latency| latency.as_secs_f64() * 1_000.0),
            migrations: health.migrations.map(|counts| Migrations { applied: counts.applied, pending: counts.pending }),
        }
    }
}
