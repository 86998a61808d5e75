use chrono::{DateTime, Utc};
use tenantry_kernel::{Cursor, OrganizationId, Revision, SortKey, text_value, typed_id};

use crate::Metadata;

typed_id! {
    /// Names a project.
    ProjectId
}

text_value! {
    /// The name of a project, 1 to 200 characters.
    ProjectName, 1..=200
}

text_value! {
    /// What a project is about, at most 5,000 characters.
    ProjectDescription, 0..=5000
}

/// A body of work of an organisation, which tasks and uploads belong to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// Names the project.
    pub id: ProjectId,
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// What people call it.
    pub name: ProjectName,
    /// What it is about.
    pub description: Option<ProjectDescription>,
    /// Whether work on it goes on.
    pub is_active: bool,
    /// What clients keep with it.
    pub metadata: Metadata,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// The version of the stored project.
    pub revision: Revision,
}

impl Project {
    /// The place just after this project in a list, the newest first.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        Cursor { key: SortKey::Time(self.created_at), id: self.id.as_uuid() }
    }
}

/// What somebody gives to make a project.
#[derive(Debug, Clone)]
pub struct NewProject {
    /// What people will call it.
    pub name: ProjectName,
    /// What it is about.
    pub description: Option<ProjectDescription>,
    /// What clients keep with it.
    pub metadata: Metadata,
}
