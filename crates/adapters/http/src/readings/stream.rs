use actix_web::{HttpRequest, HttpResponse};
use tenantry_readings::ReadingId;
use uuid::Uuid;

use super::listener::{Listener, last_event};
use crate::{
    caller::{Caller, State},
    event_streams,
    fields::PathId,
    problem::Problem,
};

/// Follow a reading: what there is of it at once, the rest as it comes.
///
/// The events are those of `POST /readings/stream`, the same bytes whenever they are sent.
#[utoipa::path(get, path = "/readings/{id}/stream", tag = "readings",
    security(("bearer" = []), ("api_key" = ["readings:read"])),
    params(("id" = Uuid, Path, description = "The reading"),
        ("Last-Event-ID" = Option<i64>, Header, description = "Only what is behind this event")),
    responses((status = 200, description = "The events.", body = String, content_type = "text/event-stream")))]
pub(crate) async fn handler(
    request: HttpRequest,
    caller: Caller,
    state: State,
    PathId(id): PathId<Uuid>,
) -> Result<HttpResponse, Problem> {
    let after = last_event(&request)?;
    let follower = state.services.readings.follow(&caller.context, ReadingId::from_uuid(id), after).await?;
    let place = state.event_streams.take(caller.context.organization_id(), caller.user_id())?;
    Ok(event_streams::respond(Listener::new(&request, &caller, &state, follower, place)?.events()))
}
