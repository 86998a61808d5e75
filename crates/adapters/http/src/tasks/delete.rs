use actix_web::HttpResponse;
use tenantry_tasks::TaskId;
use uuid::Uuid;

use crate::{
    caller::{Caller, State},
    etag::IfMatch,
    fields::PathId,
    problem::Problem,
};

/// Delete a task.
#[utoipa::path(delete, path = "/tasks/{id}", tag = "tasks",
    security(("bearer" = []), ("api_key" = ["tasks:write"])),
    params(("id" = Uuid, Path, description = "The task"),
        ("If-Match" = Option<String>, Header, description = "Only delete this version")),
    responses((status = 204, description = "The task is deleted.")))]
pub(crate) async fn handler(
    caller: Caller,
    state: State,
    PathId(id): PathId<Uuid>,
    if_match: IfMatch,
) -> Result<HttpResponse, Problem> {
    state.services.tasks.delete(&caller.context, TaskId::from_uuid(id), &if_match.0).await?;
    Ok(HttpResponse::NoContent().finish())
}
