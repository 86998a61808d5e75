use chrono::{DateTime, Utc};
use serde::Serialize;
use tenantry_tasks::{DueAt, Task, TaskDescription};
use utoipa::ToSchema;
use uuid::Uuid;

/// A task.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Task)]
pub(crate) struct TaskView {
    id: Uuid,
    /// Which member made it.
    user_id: Uuid,
    organization_id: Uuid,
    #[schema(required)]
    project_id: Option<Uuid>,
    /// Which member is to do it.
    #[schema(required)]
    assignee_id: Option<Uuid>,
    title: String,
    #[schema(required)]
    description: Option<String>,
    /// Pending or Completed.
    status: &'static str,
    /// 0 (not urgent) to 4 (most urgent).
    priority: i16,
    #[schema(required)]
    due_at: Option<DateTime<Utc>>,
    labels: Vec<String>,
    #[schema(required)]
    completed_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<Task> for TaskView {
    fn from(task: Task) -> Self {
        Self {
            id: task.id.as_uuid(),
            user_id: task.user_id.as_uuid(),
            organization_id: task.organization_id.as_uuid(),
            project_id: task.project_id.map(Uuid::from),
            assignee_id: task.assignee_id.map(Uuid::from),
            title: task.title.into_string(),
            description: task.description.map(TaskDescription::into_string),
            status: task.status.as_str(),
            priority: task.priority.get(),
            due_at: task.due_at.map(DueAt::get),
            labels: task.labels.into_vec(),
            completed_at: task.completed_at,
            created_at: task.created_at,
            updated_at: task.updated_at,
        }
    }
}
