use tenantry_kernel::OrganizationId;
use uuid::Uuid;

use super::view::OrganizationView;
use crate::{
    caller::{Caller, State},
    etag::Tagged,
    fields::PathId,
    problem::Problem,
};

/// Read an organization that the caller belongs to.
#[utoipa::path(get, path = "/organizations/{id}", tag = "organizations",
    params(("id" = Uuid, Path, description = "The organization")),
    responses((status = 200, description = "The organization.", body = OrganizationView)))]
pub(crate) async fn handler(
    caller: Caller,
    state: State,
    PathId(id): PathId<Uuid>,
) -> Result<Tagged<OrganizationView>, Problem> {
    let id = OrganizationId::from_uuid(id);
    let context = state.services.entrance.enter(caller.actor(), id).await?;
    let organization = state.services.organizations.find(&context, id).await?;
    Ok(Tagged::ok(organization.revision, OrganizationView::from(&organization)))
}
