use tenantry_kernel::{Cursor, SortKey, UserId};
use tenantry_tenancy::ProjectId;

use crate::{DueAt, Priority, Status, Task};

/// Whose tasks somebody asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TaskScope {
    /// Their own and those assigned to them.
    #[default]
    Mine,
    /// All of the organisation's.
    Organization,
}

/// Whose tasks a list may hold, as decided from scope and role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visibility {
    /// Tasks made by or assigned to this member.
    OwnOrAssigned(UserId),
    /// Tasks assigned to this member.
    Assigned(UserId),
    /// Every task of the organisation.
    All,
}

/// Which tasks a list holds: those that satisfy every part that is given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaskFilter {
    /// Done, or not.
    pub status: Option<Status>,
    /// Words that all occur in title or description, without regard to case.
    pub words: Vec<String>,
    /// Of this project.
    pub project_id: Option<ProjectId>,
    /// For this member to do.
    pub assignee_id: Option<UserId>,
    /// Filed under this label.
    pub label: Option<String>,
    /// This urgent.
    pub priority: Option<Priority>,
    /// Due before this time.
    pub due_before: Option<DueAt>,
    /// Due at this time or later.
    pub due_after: Option<DueAt>,
}

/// What a list of tasks can be sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SortField {
    /// When it was made.
    CreatedAt,
    /// When it last changed.
    UpdatedAt,
    /// When it is due; tasks that never are come last.
    DueAt,
    /// How urgent it is.
    Priority,
    /// What is to be done, by its characters' codes.
    Title,
}

/// Which way a list runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// The smallest, oldest first.
    Ascending,
    /// The greatest, newest first.
    Descending,
}

/// The order of a list. Equal keys are ordered by id in the same direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaskSort {
    /// By what.
    pub field: SortField,
    /// Which way.
    pub direction: Direction,
}

impl Default for TaskSort {
    /// The newest first.
    fn default() -> Self {
        Self { field: SortField::CreatedAt, direction: Direction::Descending }
    }
}

impl SortField {
    /// The fields by the names that the API gives them.
    pub const NAMES: [(&'static str, Self); 5] = [
        ("created_at", Self::CreatedAt),
        ("updated_at", Self::UpdatedAt),
        ("due_at", Self::DueAt),
        ("priority", Self::Priority),
        ("title", Self::Title),
    ];
}

impl TaskSort {
    /// The order that `name` asks for: a field, with `-` before it for descending.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let (direction, name) = match name.strip_prefix('-') {
            Some(name) => (Direction::Descending, name),
            None => (Direction::Ascending, name),
        };
        let (_, field) = SortField::NAMES.into_iter().find(|(known, _)| *known == name)?;
        Some(Self { field, direction })
    }

    /// The place just after `task` in a list of this order.
    #[must_use]
    pub fn cursor(&self, task: &Task) -> Cursor {
        let key = match self.field {
            SortField::CreatedAt => SortKey::Time(task.created_at),
            SortField::UpdatedAt => SortKey::Time(task.updated_at),
            SortField::DueAt => task.due_at.map_or(SortKey::Null, |due_at| SortKey::Time(due_at.get())),
            SortField::Priority => SortKey::Integer(i64::from(task.priority.get())),
            SortField::Title => SortKey::Text(task.title.as_str().to_owned()),
        };
        Cursor { key, id: task.id.as_uuid() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorts_are_named_by_field_and_direction() {
        assert_eq!(TaskSort::from_name("-created_at"), Some(TaskSort::default()));
        assert_eq!(
            TaskSort::from_name("title"),
            Some(TaskSort { field: SortField::Title, direction: Direction::Ascending })
        );
        assert_eq!(TaskSort::from_name("--title"), None);
        assert_eq!(TaskSort::from_name("id"), None);
    }
}
