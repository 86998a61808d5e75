use std::str::FromStr;

use chrono::{DateTime, Datelike as _, Utc};
use tenantry_kernel::{Cursor, OrganizationId, Revision, SortKey, text_value, typed_id, whole_microseconds};
use tenantry_tenancy::{Metadata, ProjectId, StoragePrefix};

typed_id! {
    /// Names a cycle.
    CycleId
}

text_value! {
    /// The name of a cycle, 1 to 200 characters.
    CycleName, 1..=200
}

text_value! {
    /// What a cycle is about, at most 5,000 characters.
    CycleDescription, 0..=5000
}

/// The number of a cycle within its project, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct CycleNumber(i64);

/// A number is none of a cycle. The message fits after the name of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be between 1 and 2147483647")]
pub struct CycleNumberError;

impl CycleNumber {
    /// Takes a number between 1 and 2,147,483,647.
    ///
    /// # Errors
    /// [`CycleNumberError`].
    pub fn parse(value: i64) -> Result<Self, CycleNumberError> {
        if (1..=i64::from(i32::MAX)).contains(&value) { Ok(Self(value)) } else { Err(CycleNumberError) }
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> i64 {
        self.0
    }
}

/// A time is too far away. The message fits after the name of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be between the years 1 and 9999")]
pub struct StatedTimeError;

/// A time that people state: one that RFC 3339 can write, cut to whole microseconds.
///
/// # Errors
/// [`StatedTimeError`].
pub fn stated_time(time: DateTime<Utc>) -> Result<DateTime<Utc>, StatedTimeError> {
    if (1..=9999).contains(&time.year()) { Ok(whole_microseconds(time)) } else { Err(StatedTimeError) }
}

/// How far a cycle is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CycleStatus {
    /// It has not begun.
    #[default]
    Planned,
    /// It is under way.
    Active,
    /// It is over.
    Completed,
    /// It is over, and out of the way.
    Archived,
}

/// A text is not the name of a status. The message fits after the name of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be planned, active, completed or archived")]
pub struct CycleStatusError;

impl CycleStatus {
    /// Every status.
    pub const ALL: [Self; 4] = [Self::Planned, Self::Active, Self::Completed, Self::Archived];

    /// The name of the status, as the API and the databases spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Active => "active",
            Self::Completed => "completed",
            Self::Archived => "archived",
        }
    }
}

impl FromStr for CycleStatus {
    type Err = CycleStatusError;

    fn from_str(name: &str) -> Result<Self, CycleStatusError> {
        Self::ALL.into_iter().find(|status| status.as_str() == name).ok_or(CycleStatusError)
    }
}

/// One round of a project's work, such as a measurement campaign; its files are stored together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cycle {
    /// Names the cycle.
    pub id: CycleId,
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// The project it is a round of.
    pub project_id: ProjectId,
    /// What people call it.
    pub name: CycleName,
    /// Which round; no other cycle of the project has the same.
    pub number: CycleNumber,
    /// Where the project's objects of this round are stored, below the project's own prefix.
    pub s3_prefix: Option<StoragePrefix>,
    /// How far it is.
    pub status: CycleStatus,
    /// What it is about.
    pub description: Option<CycleDescription>,
    /// What clients keep with it.
    pub metadata: Metadata,
    /// When it began, as people say.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended, as people say.
    pub completed_at: Option<DateTime<Utc>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// The version of the stored cycle.
    pub revision: Revision,
}

/// What somebody gives to make a cycle.
#[derive(Debug, Clone)]
pub struct NewCycle {
    /// The id, where one was reserved for it before.
    pub id: Option<CycleId>,
    /// The project it is a round of.
    pub project_id: ProjectId,
    /// What people will call it.
    pub name: CycleName,
    /// Which round.
    pub number: CycleNumber,
    /// Where its objects are to be stored, below the project's own prefix.
    pub s3_prefix: Option<StoragePrefix>,
    /// How far it is.
    pub status: CycleStatus,
    /// What it is about.
    pub description: Option<CycleDescription>,
    /// What clients keep with it.
    pub metadata: Metadata,
    /// When it began.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub completed_at: Option<DateTime<Utc>>,
}

/// A change of a cycle; what is `None` stays as it is, `Some(None)` clears.
#[derive(Debug, Clone, Default)]
pub struct CycleChange {
    /// Another project.
    pub project_id: Option<ProjectId>,
    /// The new name.
    pub name: Option<CycleName>,
    /// The new number.
    pub number: Option<CycleNumber>,
    /// The new prefix.
    pub s3_prefix: Option<Option<StoragePrefix>>,
    /// The new status.
    pub status: Option<CycleStatus>,
    /// The new description.
    pub description: Option<Option<CycleDescription>>,
    /// The new metadata.
    pub metadata: Option<Metadata>,
    /// When it began.
    pub started_at: Option<Option<DateTime<Utc>>>,
    /// When it ended.
    pub completed_at: Option<Option<DateTime<Utc>>>,
}

/// Which cycles a list holds: those that satisfy every part that is given.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CycleFilter {
    /// Of this project.
    pub project_id: Option<ProjectId>,
    /// This far.
    pub status: Option<CycleStatus>,
}

impl NewCycle {
    /// A cycle of this project, name and number, and nothing else.
    #[must_use]
    pub fn numbered(project_id: ProjectId, name: CycleName, number: CycleNumber) -> Self {
        Self {
            id: None,
            project_id,
            name,
            number,
            s3_prefix: None,
            status: CycleStatus::default(),
            description: None,
            metadata: Metadata::default(),
            started_at: None,
            completed_at: None,
        }
    }
}

impl Cycle {
    /// A new cycle, made at `now`.
    #[must_use]
    pub fn create(new: NewCycle, id: CycleId, organization_id: OrganizationId, now: DateTime<Utc>) -> Self {
        Self {
            id,
            organization_id,
            project_id: new.project_id,
            name: new.name,
            number: new.number,
            s3_prefix: new.s3_prefix,
            status: new.status,
            description: new.description,
            metadata: new.metadata,
            started_at: new.started_at,
            completed_at: new.completed_at,
            created_at: now,
            updated_at: now,
            revision: Revision::FIRST,
        }
    }

    /// The cycle after `change` at `now`.
    #[must_use]
    pub fn changed(self, change: CycleChange, now: DateTime<Utc>) -> Self {
        Self {
            project_id: change.project_id.unwrap_or(self.project_id),
            name: change.name.unwrap_or(self.name),
            number: change.number.unwrap_or(self.number),
            s3_prefix: change.s3_prefix.unwrap_or(self.s3_prefix),
            status: change.status.unwrap_or(self.status),
            description: change.description.unwrap_or(self.description),
            metadata: change.metadata.unwrap_or(self.metadata),
            started_at: change.started_at.unwrap_or(self.started_at),
            completed_at: change.completed_at.unwrap_or(self.completed_at),
            updated_at: now,
            revision: self.revision.next(),
            ..self
        }
    }

    /// The place just after this cycle in a list, the newest first.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        Cursor { key: SortKey::Time(self.created_at), id: self.id.as_uuid() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_begin_with_one() {
        assert_eq!(CycleNumber::parse(1).map(CycleNumber::get), Ok(1));
        for value in [0, -1, i64::from(i32::MAX) + 1] {
            assert_eq!(CycleNumber::parse(value), Err(CycleNumberError), "{value}");
        }
    }

    #[test]
    fn statuses_are_named() {
        for status in CycleStatus::ALL {
            assert_eq!(status.as_str().parse(), Ok(status));
        }
        assert_eq!("Active".parse::<CycleStatus>(), Err(CycleStatusError));
    }
}
