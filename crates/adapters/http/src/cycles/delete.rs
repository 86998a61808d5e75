use actix_web::HttpResponse;
use tenantry_sync::CycleId;
use uuid::Uuid;

use crate::{
    caller::{Caller, State},
    etag::IfMatch,
    fields::PathId,
    problem::Problem,
};

/// Delete a cycle with its sync sessions. What they stored stays stored.
#[utoipa::path(delete, path = "/cycles/{id}", tag = "cycles",
    security(("bearer" = []), ("api_key" = ["sync:write"])),
    params(("id" = Uuid, Path, description = "The cycle"),
        ("If-Match" = Option<String>, Header, description = "Only delete this version")),
    responses((status = 204, description = "The cycle is deleted.")))]
pub(crate) async fn handler(
    caller: Caller,
    state: State,
    PathId(id): PathId<Uuid>,
    if_match: IfMatch,
) -> Result<HttpResponse, Problem> {
    state.services.cycles.delete(&caller.context, CycleId::from_uuid(id), &if_match.0).await?;
    Ok(HttpResponse::NoContent().finish())
}
