use actix_web::HttpResponse;
use tenantry_sync::SyncSessionId;
use uuid::Uuid;

use crate::{
    caller::{Caller, State},
    etag::IfMatch,
    fields::PathId,
    problem::Problem,
};

/// Delete a sync session with its jobs. What it stored stays stored.
#[utoipa::path(delete, path = "/sessions/{id}", tag = "sessions",
    security(("bearer" = []), ("api_key" = ["sync:write"])),
    params(("id" = Uuid, Path, description = "The sync session"),
        ("If-Match" = Option<String>, Header, description = "Only delete this version")),
    responses((status = 204, description = "The sync session is deleted.")))]
pub(crate) async fn handler(
    caller: Caller,
    state: State,
    PathId(id): PathId<Uuid>,
    if_match: IfMatch,
) -> Result<HttpResponse, Problem> {
    state.services.sync_sessions.delete(&caller.context, SyncSessionId::from_uuid(id), &if_match.0).await?;
    Ok(HttpResponse::NoContent().finish())
}
