use actix_web::HttpResponse;

use super::named;
use crate::{
    caller::{Caller, State},
    etag::IfMatch,
    fields::PathId,
    problem::Problem,
};

/// Delete an advisor of the organization's own. Its readings stay.
#[utoipa::path(delete, path = "/advisors/{id}", tag = "advisors",
    security(("bearer" = []), ("api_key" = ["readings:write"])),
    params(("id" = String, Path, description = "The advisor"),
        ("If-Match" = Option<String>, Header, description = "Only delete this version")),
    responses((status = 204, description = "The advisor is deleted.")))]
pub(crate) async fn handler(
    caller: Caller,
    state: State,
    PathId(id): PathId<String>,
    if_match: IfMatch,
) -> Result<HttpResponse, Problem> {
    state.services.advisors.delete(&caller.context, &named(&id)?, &if_match.0).await?;
    Ok(HttpResponse::NoContent().finish())
}
