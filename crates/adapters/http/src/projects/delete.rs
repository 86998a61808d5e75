use actix_web::HttpResponse;
use tenantry_tenancy::ProjectId;
use uuid::Uuid;

use crate::{
    caller::{Caller, State},
    etag::IfMatch,
    fields::PathId,
    problem::Problem,
};

/// Delete a project with its cycles and sync sessions. Its tasks stay, without a project, and so does what was stored.
#[utoipa::path(delete, path = "/projects/{id}", tag = "projects",
    security(("bearer" = []), ("api_key" = ["projects:write"])),
    params(("id" = Uuid, Path, description = "The project"),
        ("If-Match" = Option<String>, Header, description = "Only delete this version")),
    responses((status = 204, description = "The project is deleted.")))]
pub(crate) async fn handler(
    caller: Caller,
    state: State,
    PathId(id): PathId<Uuid>,
    if_match: IfMatch,
) -> Result<HttpResponse, Problem> {
    state.services.project_deletion.delete(&caller.context, ProjectId::from_uuid(id), &if_match.0).await?;
    Ok(HttpResponse::NoContent().finish())
}
