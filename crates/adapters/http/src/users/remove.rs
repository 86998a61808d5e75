use actix_web::HttpResponse;
use tenantry_kernel::UserId;
use uuid::Uuid;

use crate::{
    caller::{Caller, State},
    etag::IfMatch,
    fields::PathId,
    problem::Problem,
};

/// Remove a user from the organization. The account is deleted if it belongs to no other.
#[utoipa::path(delete, path = "/users/{id}", tag = "users",
    security(("bearer" = []), ("api_key" = ["users:write"])),
    params(("id" = Uuid, Path, description = "The user"),
        ("If-Match" = Option<String>, Header, description = "Only remove this version")),
    responses((status = 204, description = "The user is removed.")))]
pub(crate) async fn handler(
    caller: Caller,
    state: State,
    PathId(id): PathId<Uuid>,
    if_match: IfMatch,
) -> Result<HttpResponse, Problem> {
    state.services.members.dismiss(&caller.context, UserId::from_uuid(id), &if_match.0).await?;
    Ok(HttpResponse::NoContent().finish())
}
