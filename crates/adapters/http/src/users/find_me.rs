use super::UserView;
use crate::{
    caller::{State, Tenant},
    etag::Tagged,
    problem::Problem,
};

/// Read one's own account.
#[utoipa::path(get, path = "/users/me", tag = "users",
    responses((status = 200, description = "The account.", body = UserView)))]
pub(crate) async fn handler(tenant: Tenant, state: State) -> Result<Tagged<UserView>, Problem> {
    let user = state.services.accounts.find_own(&tenant.context.actor()).await?;
    Ok(Tagged::ok(user.revision, UserView::own(user, &tenant.context)))
}
