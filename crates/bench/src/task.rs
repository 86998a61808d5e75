//! A task, as the API shows it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tenantry_kernel::{Clock as _, IdGenerator as _, SystemClock, SystemIds};
use uuid::Uuid;

/// The columns that a list reads, in this order, from the table of the server and from that of the bare handlers.
pub const COLUMNS: &str = "id, organization_id, user_id, project_id, assignee_id, title, description, status, \
                           priority, due_at, labels, completed_at, created_at, updated_at, revision";

/// A task.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Task {
    pub id: Uuid,
    pub user_id: Uuid,
    pub organization_id: Uuid,
    pub project_id: Option<Uuid>,
    pub assignee_id: Option<Uuid>,
    pub title: String,
    pub description: Option<String>,
    pub status: String,
    pub priority: i16,
    pub due_at: Option<DateTime<Utc>>,
    pub labels: Vec<String>,
    pub completed_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    #[serde(skip, default)]
    pub revision: i64,
}

/// What makes a task.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NewTask {
    pub title: String,
    pub description: Option<String>,
    #[serde(default)]
    pub priority: i16,
    pub due_at: Option<DateTime<Utc>>,
    #[serde(default)]
    pub labels: Vec<String>,
}

/// A page of tasks.
#[expect(clippy::struct_field_names, reason = "the names of the API")]
#[derive(Debug, Serialize, Deserialize)]
pub struct Page {
    pub data: Vec<Task>,
    pub count: usize,
    pub total: Option<i64>,
    pub page: Option<u64>,
    pub limit: u16,
    pub next_cursor: Option<String>,
}

/// How many tasks a page has.
pub const PAGE: u16 = 50;

impl Task {
    /// A new task of one's own.
    pub fn made_from(new: NewTask, organization_id: Uuid, user_id: Uuid) -> Self {
        let now = SystemClock.now();
        Self {
            id: SystemIds.next_id(),
            user_id,
            organization_id,
            project_id: None,
            assignee_id: None,
            title: new.title,
            description: new.description,
            status: "Pending".to_owned(),
            priority: new.priority,
            due_at: new.due_at,
            labels: new.labels,
            completed_at: None,
            created_at: now,
            updated_at: now,
            revision: 1,
        }
    }

    /// What the server stores beside title and description.
    pub fn search_text(&self) -> String {
        format!("{}\n{}", self.title, self.description.as_deref().unwrap_or_default()).to_lowercase()
    }
}

impl NewTask {
    /// The `number`th of some tasks as people write them.
    pub fn example(number: usize) -> Self {
        Self {
            title: format!("Prepare the quarterly report, part {number}"),
            description: Some(
                "Collect the figures of all regions, compare them with last year's, and ask where \
                               something is missing."
                    .to_owned(),
            ),
            priority: 2,
            due_at: DateTime::from_timestamp(1_900_000_000, 0),
            labels: vec!["report".to_owned(), "finance".to_owned()],
        }
    }
}

impl Page {
    /// A page of a list that is read by cursor, or with its number and `total`.
    pub fn new(data: Vec<Task>, total: Option<i64>) -> Self {
        let next_cursor = data.last().map(|task| format!("{}_{}", task.created_at.timestamp_micros(), task.id));
        Self { count: data.len(), data, total, page: total.map(|_| 1), limit: PAGE, next_cursor }
    }
}
