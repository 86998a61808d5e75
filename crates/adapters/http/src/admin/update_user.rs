use tenantry_kernel::UserId;
use uuid::Uuid;

use super::view::{AccountView, UpdateActivity};
use crate::{
    caller::{Administrator, State},
    etag::{IfMatch, Tagged},
    fields::{JsonBody, PathId},
    problem::Problem,
};

/// Decide whether an account may sign in. Of one that may not, every session, access token and API key is dead at once.
#[utoipa::path(patch, path = "/admin/users/{id}", tag = "admin", security(("bearer" = [])),
    request_body = UpdateActivity,
    params(("id" = Uuid, Path, description = "The account"),
        ("If-Match" = Option<String>, Header, description = "Only change this version")),
    responses((status = 200, description = "The account after the change.", body = AccountView)))]
pub(crate) async fn handler(
    Administrator(context): Administrator,
    state: State,
    PathId(id): PathId<Uuid>,
    if_match: IfMatch,
    JsonBody(body): JsonBody<UpdateActivity>,
) -> Result<Tagged<AccountView>, Problem> {
    let (id, is_active) = (UserId::from_uuid(id), body.parse()?);
    let user = state.services.platform.set_user_active(&context, id, is_active, &if_match.0).await?;
    Ok(Tagged::ok(user.revision, AccountView::from(user)))
}
