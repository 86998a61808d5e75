use super::view::CompanyView;
use crate::{
    caller::{Insider, State},
    etag::Tagged,
    problem::Problem,
};

/// Read an organization that the caller belongs to.
#[utoipa::path(get, path = "/companies/{id}", tag = "organizations",
    security(("bearer" = []), ("api_key" = ["organizations:read"])),
    params(("id" = Uuid, Path, description = "The organization")),
    responses((status = 200, description = "The organization.", body = CompanyView)))]
pub(crate) async fn handler(Insider(caller): Insider, state: State) -> Result<Tagged<CompanyView>, Problem> {
    let organization = state.services.organizations.find(&caller.context).await?;
    Ok(Tagged::ok(organization.revision, CompanyView::from(&organization)))
}
