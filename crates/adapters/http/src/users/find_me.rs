use super::UserView;
use crate::{
    caller::{Caller, State},
    etag::Tagged,
    problem::Problem,
};

/// Read one's own account.
#[utoipa::path(get, path = "/users/me", tag = "users",
    security(("bearer" = []), ("api_key" = ["users:read"])),
    responses((status = 200, description = "The account.", body = UserView)))]
pub(crate) async fn handler(caller: Caller, state: State) -> Result<Tagged<UserView>, Problem> {
    let user = state.services.accounts.find_own(caller.context.actor()).await?;
    Ok(UserView::own(user, &caller.context))
}
