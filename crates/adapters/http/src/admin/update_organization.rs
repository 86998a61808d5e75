use tenantry_kernel::OrganizationId;
use uuid::Uuid;

use super::view::UpdateActivity;
use crate::{
    caller::{Administrator, State},
    etag::{IfMatch, Tagged},
    fields::{JsonBody, PathId},
    organizations::OrganizationView,
    problem::Problem,
};

/// Decide whether the members of an organization may work in it. When they may not, every access token and API key for it
/// is dead at once.
#[utoipa::path(patch, path = "/admin/organizations/{id}", tag = "admin", security(("bearer" = [])),
    request_body = UpdateActivity,
    params(("id" = Uuid, Path, description = "The organization"),
        ("If-Match" = Option<String>, Header, description = "Only change this version")),
    responses((status = 200, description = "The organization after the change.", body = OrganizationView)))]
pub(crate) async fn handler(
    Administrator(context): Administrator,
    state: State,
    PathId(id): PathId<Uuid>,
    if_match: IfMatch,
    JsonBody(body): JsonBody<UpdateActivity>,
) -> Result<Tagged<OrganizationView>, Problem> {
    let (id, is_active) = (OrganizationId::from_uuid(id), body.parse()?);
    let organization = state.services.platform.set_organization_active(&context, id, is_active, &if_match.0).await?;
    Ok(Tagged::ok(organization.revision, OrganizationView::from(&organization)))
}
