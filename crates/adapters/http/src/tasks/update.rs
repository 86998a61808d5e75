use chrono::{DateTime, Utc};
use serde::Deserialize;
use tenantry_kernel::UserId;
use tenantry_tasks::{DueAt, Labels, Priority, TaskChange, TaskDescription, TaskId, TaskTitle};
use tenantry_tenancy::ProjectId;
use utoipa::ToSchema;
use uuid::Uuid;

use super::view::TaskView;
use crate::{
    caller::{Caller, State},
    etag::{IfMatch, Tagged},
    fields::{Fields, JsonBody, Patch, PathId},
    problem::Problem,
};

/// A change of a task; what is absent stays as it is, null clears what may be empty.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpdateTask {
    /// What is to be done.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 200)]
    title: Patch<String>,
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 1000)]
    description: Patch<String>,
    /// `Pending` or `Completed`.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    status: Patch<String>,
    #[serde(default)]
    #[schema(value_type = Option<Uuid>)]
    project_id: Patch<Uuid>,
    /// Which member is to do it.
    #[serde(default)]
    #[schema(value_type = Option<Uuid>)]
    assignee_id: Patch<Uuid>,
    /// 0 (not urgent) to 4 (most urgent).
    #[serde(default)]
    #[schema(value_type = Option<i64>, minimum = 0, maximum = 4)]
    priority: Patch<i64>,
    #[serde(default)]
    #[schema(value_type = Option<DateTime<Utc>>)]
    due_at: Patch<DateTime<Utc>>,
    /// At most 20, each of 1 to 50 characters; null removes them all.
    #[serde(default)]
    #[schema(value_type = Option<Vec<String>>, max_items = 20)]
    labels: Patch<Vec<String>>,
}

impl UpdateTask {
    fn parse(self) -> Result<TaskChange, Problem> {
        let mut fields = Fields::new();
        let title = fields.change("title", &self.title, TaskTitle::parse);
        let description = fields.patch("description", &self.description, TaskDescription::parse);
        let status = fields.change("status", &self.status, str::parse);
        let priority = fields.change_value("priority", self.priority, Priority::parse);
        let due_at = fields.check("due_at", self.due_at.try_map(DueAt::parse));
        let labels = fields.check("labels", self.labels.try_map(|labels| Labels::parse(&labels)));
        let (title, description, status, priority, due_at, labels) =
            fields.finish((title, description, status, priority, due_at, labels))?;
        Ok(TaskChange {
            title,
            description: description.into_change(),
            status,
            project_id: self.project_id.map(ProjectId::from_uuid).into_change(),
            assignee_id: self.assignee_id.map(UserId::from_uuid).into_change(),
            priority,
            due_at: due_at.into_change(),
            labels: labels.into_change().map(Option::unwrap_or_default),
        })
    }
}

/// Change a task.
#[utoipa::path(method(patch, put), path = "/tasks/{id}", tag = "tasks", request_body = UpdateTask,
    security(("bearer" = []), ("api_key" = ["tasks:write"])),
    params(("id" = Uuid, Path, description = "The task"),
        ("If-Match" = Option<String>, Header, description = "Only change this version")),
    responses((status = 200, description = "The task after the change.", body = TaskView)))]
pub(crate) async fn handler(
    caller: Caller,
    state: State,
    PathId(id): PathId<Uuid>,
    if_match: IfMatch,
    JsonBody(body): JsonBody<UpdateTask>,
) -> Result<Tagged<TaskView>, Problem> {
    let change = body.parse()?;
    let task = state.services.tasks.update(&caller.context, TaskId::from_uuid(id), change, &if_match.0).await?;
    Ok(Tagged::ok(task.revision, TaskView::from(task)))
}
