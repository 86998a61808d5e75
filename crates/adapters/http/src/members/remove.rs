use actix_web::HttpResponse;
use tenantry_kernel::UserId;
use uuid::Uuid;

use crate::{
    caller::{Insider, State},
    etag::IfMatch,
    fields::PathId,
    problem::Problem,
};

/// Remove a member from an organization, or leave it oneself. The account stays.
#[utoipa::path(delete, path = "/organizations/{id}/members/{user_id}", tag = "organizations",
    security(("bearer" = []), ("api_key" = ["organizations:write"])),
    params(("id" = Uuid, Path, description = "The organization"), ("user_id" = Uuid, Path, description = "The member"),
        ("If-Match" = Option<String>, Header, description = "Only remove this version")),
    responses((status = 204, description = "The membership has ended.")))]
pub(crate) async fn handler(
    Insider(caller): Insider,
    state: State,
    PathId((_, id)): PathId<(Uuid, Uuid)>,
    if_match: IfMatch,
) -> Result<HttpResponse, Problem> {
    state.services.members.remove(&caller.context, UserId::from_uuid(id), &if_match.0).await?;
    Ok(HttpResponse::NoContent().finish())
}
