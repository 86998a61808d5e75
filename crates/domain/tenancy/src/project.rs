use chrono::{DateTime, Utc};
use tenantry_kernel::{Cursor, OrganizationId, Revision, SortKey, text_value, typed_id};

use crate::{BucketName, Metadata, StoragePrefix};

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
    /// Where its objects are stored, if not where the server stores them.
    pub bucket_name: Option<BucketName>,
    /// What the keys of its objects go on with after the organisation's id, if not with its own.
    pub storage_prefix: Option<StoragePrefix>,
    /// What clients keep with it.
    pub metadata: Metadata,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// The version of the stored project.
    pub revision: Revision,
}

/// What somebody gives to make a project.
#[derive(Debug, Clone)]
pub struct NewProject {
    /// The id, where one was reserved for it before.
    pub id: Option<ProjectId>,
    /// What people will call it.
    pub name: ProjectName,
    /// What it is about.
    pub description: Option<ProjectDescription>,
    /// Whether work on it goes on.
    pub is_active: bool,
    /// Where its objects are to be stored.
    pub bucket_name: Option<BucketName>,
    /// What the keys of its objects are to go on with after the organisation's id.
    pub storage_prefix: Option<StoragePrefix>,
    /// What clients keep with it.
    pub metadata: Metadata,
}

/// A change of a project; what is `None` stays as it is, `Some(None)` clears.
#[derive(Debug, Clone, Default)]
pub struct ProjectChange {
    /// The new name.
    pub name: Option<ProjectName>,
    /// The new description.
    pub description: Option<Option<ProjectDescription>>,
    /// Whether work on it goes on from now on.
    pub is_active: Option<bool>,
    /// The new bucket.
    pub bucket_name: Option<Option<BucketName>>,
    /// The new prefix.
    pub storage_prefix: Option<Option<StoragePrefix>>,
    /// The new metadata.
    pub metadata: Option<Metadata>,
}

/// Which projects a list holds: those that satisfy every part that is given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProjectFilter {
    /// Whether work on them goes on.
    pub is_active: Option<bool>,
    /// Words that all occur in name or description, without regard to case.
    pub words: Vec<String>,
}

impl NewProject {
    /// A project of this name and nothing else.
    #[must_use]
    pub fn named(name: ProjectName) -> Self {
        Self {
            id: None,
            name,
            description: None,
            is_active: true,
            bucket_name: None,
            storage_prefix: None,
            metadata: Metadata::default(),
        }
    }
}

impl Project {
    /// A new project, made at `now`.
    #[must_use]
    pub fn create(new: NewProject, id: ProjectId, organization_id: OrganizationId, now: DateTime<Utc>) -> Self {
        Self {
            id,
            organization_id,
            name: new.name,
            description: new.description,
            is_active: new.is_active,
            bucket_name: new.bucket_name,
            storage_prefix: new.storage_prefix,
            metadata: new.metadata,
            created_at: now,
            updated_at: now,
            revision: Revision::FIRST,
        }
    }

    /// The project after `change` at `now`.
    #[must_use]
    pub fn changed(self, change: ProjectChange, now: DateTime<Utc>) -> Self {
        Self {
            name: change.name.unwrap_or(self.name),
            description: change.description.unwrap_or(self.description),
            is_active: change.is_active.unwrap_or(self.is_active),
            bucket_name: change.bucket_name.unwrap_or(self.bucket_name),
            storage_prefix: change.storage_prefix.unwrap_or(self.storage_prefix),
            metadata: change.metadata.unwrap_or(self.metadata),
            updated_at: now,
            revision: self.revision.next(),
            ..self
        }
    }

    /// The place just after this project in a list, the newest first.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        Cursor { key: SortKey::Time(self.created_at), id: self.id.as_uuid() }
    }
}

#[cfg(test)]
mod tests {
    use chrono::Duration;
    use tenantry_kernel::SystemIds;

    use super::*;

    #[test]
    fn a_change_keeps_what_it_does_not_name() {
        let (id, owner) = (ProjectId::generate(&SystemIds), OrganizationId::generate(&SystemIds));
        let made = DateTime::UNIX_EPOCH;
        let bucket = BucketName::parse("photos").unwrap();
        let new =
            NewProject { bucket_name: Some(bucket.clone()), ..NewProject::named(ProjectName::parse("A").unwrap()) };
        let project = Project::create(new, id, owner, made);
        let later = made + Duration::hours(1);
        let change = ProjectChange { is_active: Some(false), ..ProjectChange::default() };
        let paused = project.clone().changed(change, later);
        let expected =
            Project { is_active: false, updated_at: later, revision: Revision::from_stored(2), ..project.clone() };
        assert_eq!(paused, expected);
        let cleared = ProjectChange { bucket_name: Some(None), ..ProjectChange::default() };
        assert_eq!(project.clone().changed(cleared, later).bucket_name, None);
        assert_eq!(project.bucket_name, Some(bucket));
    }
}
