use tenantry_kernel::UserId;
use uuid::Uuid;

use super::UserView;
use crate::{
    caller::{Caller, State},
    etag::Tagged,
    fields::PathId,
    problem::Problem,
};

/// Read a user of the organization.
#[utoipa::path(get, path = "/users/{id}", tag = "users",
    security(("bearer" = []), ("api_key" = ["users:read"])),
    params(("id" = Uuid, Path, description = "The user")),
    responses((status = 200, description = "The user.", body = UserView)))]
pub(crate) async fn handler(
    caller: Caller,
    state: State,
    PathId(id): PathId<Uuid>,
) -> Result<Tagged<UserView>, Problem> {
    let member = state.services.members.find(&caller.context, UserId::from_uuid(id)).await?;
    Ok(UserView::tagged(member))
}
