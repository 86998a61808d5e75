use tenantry_tenancy::ProjectId;
use uuid::Uuid;

use super::view::ProjectView;
use crate::{
    caller::{Caller, State},
    etag::Tagged,
    fields::PathId,
    problem::Problem,
};

/// Read a project.
#[utoipa::path(get, path = "/projects/{id}", tag = "projects",
    security(("bearer" = []), ("api_key" = ["projects:read"])),
    params(("id" = Uuid, Path, description = "The project")),
    responses((status = 200, description = "The project.", body = ProjectView)))]
pub(crate) async fn handler(
    caller: Caller,
    state: State,
    PathId(id): PathId<Uuid>,
) -> Result<Tagged<ProjectView>, Problem> {
    let project = state.services.projects.find(&caller.context, ProjectId::from_uuid(id)).await?;
    Ok(Tagged::ok(project.revision, ProjectView::from(project)))
}
