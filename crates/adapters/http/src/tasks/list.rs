use chrono::{DateTime, Utc};
use serde::Deserialize;
use tenantry_kernel::{UserId, parse_text};
use tenantry_tasks::{DueAt, Labels, Priority, TaskFilter, TaskScope, TaskSort};
use tenantry_tenancy::ProjectId;
use utoipa::IntoParams;
use uuid::Uuid;

use super::view::TaskView;
use crate::{
    caller::{Caller, State},
    fields::{Fields, search_words},
    paging::{ListEnvelope, ListQuery, PagingParams},
    problem::Problem,
};

/// Which tasks, and in which order.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListTasks {
    /// `mine` (own and assigned ones, the default) or `organization` (everyone's, for ADMIN and OWNER).
    scope: Option<String>,
    /// `created_at`, `updated_at`, `due_at`, `priority` or `title`, with `-` before it for descending; `-created_at` by default.
    sort: Option<String>,
    /// `Pending` or `Completed`.
    status: Option<String>,
    /// Words that all occur in title or description.
    #[param(max_length = 200)]
    q: Option<String>,
    /// Of this project.
    project_id: Option<Uuid>,
    /// For this member to do.
    assignee_id: Option<Uuid>,
    /// With this label.
    #[param(max_length = 50)]
    label: Option<String>,
    /// This urgent.
    #[param(minimum = 0, maximum = 4)]
    priority: Option<i64>,
    /// Due before this time.
    due_before: Option<DateTime<Utc>>,
    /// Due at this time or later.
    due_after: Option<DateTime<Utc>>,
}

impl ListTasks {
    fn parse(&self) -> Result<(TaskScope, TaskSort, TaskFilter), Problem> {
        let mut fields = Fields::new();
        let scope = fields.optional("scope", self.scope.as_deref(), parse_scope);
        let sort = fields.optional("sort", self.sort.as_deref(), parse_sort);
        let status = fields.optional("status", self.status.as_deref(), str::parse);
        let words = fields.optional("q", self.q.as_deref(), search_words);
        let label = fields.optional("label", self.label.as_deref(), |raw| parse_text(raw, 1, Labels::MAX_CHARACTERS));
        let priority = fields.check("priority", self.priority.map(Priority::parse).transpose());
        let due_before = fields.check("due_before", self.due_before.map(DueAt::parse).transpose());
        let due_after = fields.check("due_after", self.due_after.map(DueAt::parse).transpose());
        let parsed = fields.finish((scope, sort, status, words, label, priority, due_before, due_after))?;
        let (scope, sort, status, words, label, priority, due_before, due_after) = parsed;
        let filter = TaskFilter {
            status,
            words: words.unwrap_or_default(),
            project_id: self.project_id.map(ProjectId::from_uuid),
            assignee_id: self.assignee_id.map(UserId::from_uuid),
            label,
            priority,
            due_before,
            due_after,
        };
        Ok((scope.unwrap_or_default(), sort.unwrap_or_default(), filter))
    }
}

fn parse_scope(raw: &str) -> Result<TaskScope, &'static str> {
    match raw {
        "mine" => Ok(TaskScope::Mine),
        "organization" => Ok(TaskScope::Organization),
        _ => Err("must be mine or organization"),
    }
}

fn parse_sort(raw: &str) -> Result<TaskSort, &'static str> {
    TaskSort::from_name(raw)
        .ok_or("must be created_at, updated_at, due_at, priority or title, with - before it for descending")
}

/// List tasks.
#[utoipa::path(get, path = "/tasks", tag = "tasks", params(PagingParams, ListTasks),
    security(("bearer" = []), ("api_key" = ["tasks:read"])),
    responses((status = 200, description = "A page of tasks.", body = ListEnvelope<TaskView>)))]
pub(crate) async fn handler(
    caller: Caller,
    state: State,
    query: ListQuery<ListTasks>,
) -> Result<ListEnvelope<TaskView>, Problem> {
    let (scope, sort, filter) = query.filter.parse()?;
    let page = state.services.tasks.list(&caller.context, scope, &filter, sort, &query.page).await?;
    Ok(query.envelope(page, TaskView::from))
}
