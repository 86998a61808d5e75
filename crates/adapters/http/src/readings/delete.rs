use actix_web::HttpResponse;
use tenantry_readings::ReadingId;
use uuid::Uuid;

use crate::{
    caller::{Caller, State},
    etag::IfMatch,
    fields::PathId,
    problem::Problem,
};

/// Delete a reading that is over. What it cost stays counted.
#[utoipa::path(delete, path = "/readings/{id}", tag = "readings",
    security(("bearer" = []), ("api_key" = ["readings:write"])),
    params(("id" = Uuid, Path, description = "The reading"),
        ("If-Match" = Option<String>, Header, description = "Only delete this version")),
    responses((status = 204, description = "The reading is deleted.")))]
pub(crate) async fn handler(
    caller: Caller,
    state: State,
    PathId(id): PathId<Uuid>,
    if_match: IfMatch,
) -> Result<HttpResponse, Problem> {
    state.services.readings.delete(&caller.context, ReadingId::from_uuid(id), &if_match.0).await?;
    Ok(HttpResponse::NoContent().finish())
}
