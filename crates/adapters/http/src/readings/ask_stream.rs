use actix_web::{HttpRequest, HttpResponse};
use tenantry_readings::{NewReading, ReadingId};

use super::{
    listener::{Listener, last_event},
    question::AskAdvisor,
};
use crate::{
    caller::{Caller, State},
    event_streams,
    idempotency::{Creation, Creator},
    problem::Problem,
};

/// Ask an advisor, and get the answer as it comes.
///
/// Server-sent events, each with an `id`: `reading` with the reading as it was asked for; `delta` with `{"text"}`, more of the answer;
/// `citation` with `{"url", "title"}`; at the end `done` with the reading, or `error` with a problem that has its
/// `reading_id`. The answer goes on when the connection breaks, unless the advisor says otherwise: follow it at
/// `GET /readings/{id}/stream`. Sent again with the same `Idempotency-Key`, the request follows the same reading, also
/// while the first one does.
#[utoipa::path(post, path = "/readings/stream", tag = "readings", request_body = AskAdvisor,
    security(("bearer" = []), ("api_key" = ["readings:write"])),
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes sending the request again safe"),
        ("Last-Event-ID" = Option<i64>, Header, description = "Only what is behind this event")),
    responses((status = 200, description = "The events.", body = String, content_type = "text/event-stream")))]
pub(crate) async fn handler(
    request: HttpRequest,
    caller: Caller,
    state: State,
    creation: Creation<AskAdvisor>,
) -> Result<HttpResponse, Problem> {
    let after = last_event(&request)?;
    let place = state.event_streams.take(caller.context.organization_id(), caller.user_id())?;
    let named = creation.named(&state, &Creator::within(&caller), |body| body.parse(None)).await?;
    let new = NewReading { id: named.1.map(ReadingId::from_uuid), ..named.0 };
    let readings = &state.services.readings;
    let reading = readings.ask(&caller.context, new).await?;
    let follower = readings.follow(&caller.context, reading.id, after).await?;
    Ok(event_streams::respond(Listener::new(&request, &caller, &state, follower, place)?.events()))
}
