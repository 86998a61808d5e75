use std::{sync::Arc, time::Instant};

use actix_web::{HttpRequest, web::Data};
use tenantry_application::RateLimits;
use tenantry_identity::ports::PublishedKeys;
use tenantry_kernel::{Clock, IdGenerator};

use crate::{
    event_streams::EventStreams,
    health::{HealthProbe, Readiness},
    metrics::Metrics,
    paging::CursorKey,
    problem::{ErrorCode, Problem},
    services::Services,
};

/// What handlers work with; handlers take it as `Data<HttpState>`.
#[derive(Clone)]
pub struct HttpState {
    /// The use cases.
    pub services: Services,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Identifiers.
    pub ids: Arc<dyn IdGenerator>,
    /// Looks after the database.
    pub health: Arc<dyn HealthProbe>,
    /// How many requests are too many.
    pub rate_limits: Arc<dyn RateLimits>,
    /// Whether the server wants requests.
    pub readiness: Readiness,
    /// Who follows which job.
    pub event_streams: EventStreams,
    /// Counters and durations.
    pub metrics: Metrics,
    /// Authenticates cursors.
    pub cursors: CursorKey,
    /// The public keys of access tokens, where others can verify them.
    pub published_keys: Option<Arc<dyn PublishedKeys>>,
    /// When the server was started.
    pub started: Instant,
}

impl HttpState {
    /// The state of the server that received `request`.
    pub(crate) fn of(request: &HttpRequest) -> Result<Data<Self>, Problem> {
        let state = request.app_data::<Data<Self>>();
        state.cloned().ok_or_else(|| {
            tracing::error!("the server was built without its state");
            Problem::new(ErrorCode::InternalError)
        })
    }
}
