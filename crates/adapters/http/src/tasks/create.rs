use actix_web::HttpResponse;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use tenantry_kernel::UserId;
use tenantry_tasks::{DueAt, Labels, NewTask, Priority, TaskDescription, TaskId, TaskTitle};
use tenantry_tenancy::ProjectId;
use utoipa::ToSchema;
use uuid::Uuid;

use super::view::TaskView;
use crate::{
    caller::{Caller, State},
    etag::Tagged,
    fields::Fields,
    idempotency::{Creation, Creator},
    operations::API_PREFIX,
    problem::Problem,
};

/// A new task.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateTask {
    /// What is to be done.
    #[schema(min_length = 1, max_length = 200)]
    title: String,
    #[schema(max_length = 1000)]
    description: Option<String>,
    /// `Pending` (the default) or `Completed`.
    status: Option<String>,
    project_id: Option<Uuid>,
    /// Which member is to do it.
    assignee_id: Option<Uuid>,
    /// 0 (not urgent, the default) to 4 (most urgent).
    #[schema(minimum = 0, maximum = 4)]
    priority: Option<i64>,
    due_at: Option<DateTime<Utc>>,
    /// At most 20, each of 1 to 50 characters.
    #[schema(max_items = 20)]
    labels: Option<Vec<String>>,
}

impl CreateTask {
    fn parse(self, id: Option<TaskId>) -> Result<NewTask, Problem> {
        let mut fields = Fields::new();
        let title = fields.parse("title", &self.title, TaskTitle::parse);
        let description = fields.optional("description", self.description.as_deref(), TaskDescription::parse);
        let status = fields.optional("status", self.status.as_deref(), str::parse);
        let priority = fields.check("priority", Priority::parse(self.priority.unwrap_or_default()));
        let due_at = fields.check("due_at", self.due_at.map(DueAt::parse).transpose());
        let labels = fields.check("labels", Labels::parse(&self.labels.unwrap_or_default()));
        let (title, description, status, priority, due_at, labels) =
            fields.finish((title, description, status, priority, due_at, labels))?;
        Ok(NewTask {
            id,
            title,
            description,
            status: status.unwrap_or_default(),
            project_id: self.project_id.map(ProjectId::from_uuid),
            assignee_id: self.assignee_id.map(UserId::from_uuid),
            priority,
            due_at,
            labels,
        })
    }
}

/// Make a task.
#[utoipa::path(post, path = "/tasks", tag = "tasks", request_body = CreateTask,
    security(("bearer" = []), ("api_key" = ["tasks:write"])),
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes sending the request again safe")),
    responses((status = 201, description = "The task.", body = TaskView)))]
pub(crate) async fn handler(
    caller: Caller,
    state: State,
    creation: Creation<CreateTask>,
) -> Result<HttpResponse, Problem> {
    let create = async |body: CreateTask, reserved: Option<Uuid>| {
        let new = body.parse(reserved.map(TaskId::from_uuid))?;
        let task = state.services.tasks.create(&caller.context, new).await?;
        let location = format!("{API_PREFIX}/tasks/{}", task.id);
        Ok(Tagged::created(task.revision, location, TaskView::from(task)))
    };
    creation.once(&state, &Creator::within(&caller), create).await
}
