use tenantry_tasks::TaskId;
use uuid::Uuid;

use super::view::TaskView;
use crate::{
    caller::{Caller, State},
    etag::Tagged,
    fields::PathId,
    problem::Problem,
};

/// Read a task.
#[utoipa::path(get, path = "/tasks/{id}", tag = "tasks",
    security(("bearer" = []), ("api_key" = ["tasks:read"])),
    params(("id" = Uuid, Path, description = "The task")),
    responses((status = 200, description = "The task.", body = TaskView)))]
pub(crate) async fn handler(
    caller: Caller,
    state: State,
    PathId(id): PathId<Uuid>,
) -> Result<Tagged<TaskView>, Problem> {
    let task = state.services.tasks.find(&caller.context, TaskId::from_uuid(id)).await?;
    Ok(Tagged::ok(task.revision, TaskView::from(task)))
}
