use actix_web::HttpResponse;

use crate::{
    caller::{Insider, State},
    etag::IfMatch,
    problem::Problem,
};

/// Delete an organization, with everything in it. Every access token for it is dead at once.
///
/// It is erased some time later, 30 days unless the server is set otherwise; until then its slug stays taken.
#[utoipa::path(delete, path = "/organizations/{id}", tag = "organizations",
    security(("bearer" = []), ("api_key" = ["organizations:write"])),
    params(("id" = Uuid, Path, description = "The organization"),
        ("If-Match" = Option<String>, Header, description = "Only delete this version")),
    responses((status = 204, description = "The organization is deleted.")))]
pub(crate) async fn handler(
    Insider(caller): Insider,
    state: State,
    if_match: IfMatch,
) -> Result<HttpResponse, Problem> {
    state.services.organization_deletion.delete(&caller.context, &if_match.0).await?;
    Ok(HttpResponse::NoContent().finish())
}
