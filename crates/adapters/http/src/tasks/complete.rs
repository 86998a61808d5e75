use serde::Deserialize;
use tenantry_tasks::{Completion, Status, TaskId};
use utoipa::ToSchema;
use uuid::Uuid;

use super::view::TaskView;
use crate::{
    caller::{Caller, State},
    etag::{IfMatch, Tagged},
    fields::{OptionalJsonBody, PathId},
    problem::Problem,
};

/// Whether the task is done.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CompleteTask {
    completed: bool,
}

impl CompleteTask {
    fn completion(&self) -> Completion {
        Completion::Set(if self.completed { Status::Completed } else { Status::Pending })
    }
}

/// Complete a task, or open it again. Without a body, the status changes to the other one.
#[utoipa::path(patch, path = "/tasks/{id}/complete", tag = "tasks", request_body = Option<CompleteTask>,
    security(("bearer" = []), ("api_key" = ["tasks:write"])),
    params(("id" = Uuid, Path, description = "The task"),
        ("If-Match" = Option<String>, Header, description = "Only change this version")),
    responses((status = 200, description = "The task after the change.", body = TaskView)))]
pub(crate) async fn handler(
    caller: Caller,
    state: State,
    PathId(id): PathId<Uuid>,
    if_match: IfMatch,
    OptionalJsonBody(body): OptionalJsonBody<CompleteTask>,
) -> Result<Tagged<TaskView>, Problem> {
    let completion = body.map_or(Completion::Toggle, |body| body.completion());
    let task = state.services.tasks.complete(&caller.context, TaskId::from_uuid(id), completion, &if_match.0).await?;
    Ok(Tagged::ok(task.revision, TaskView::from(task)))
}
