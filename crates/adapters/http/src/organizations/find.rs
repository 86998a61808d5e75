use super::view::OrganizationView;
use crate::{
    caller::{Insider, State},
    etag::Tagged,
    problem::Problem,
};

/// Read an organization that the caller belongs to.
#[utoipa::path(get, path = "/organizations/{id}", tag = "organizations",
    security(("bearer" = []), ("api_key" = ["organizations:read"])),
    params(("id" = Uuid, Path, description = "The organization")),
    responses((status = 200, description = "The organization.", body = OrganizationView)))]
pub(crate) async fn handler(Insider(caller): Insider, state: State) -> Result<Tagged<OrganizationView>, Problem> {
    let organization = state.services.organizations.find(&caller.context).await?;
    Ok(Tagged::ok(organization.revision, OrganizationView::from(&organization)))
}
