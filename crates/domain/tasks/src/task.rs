use std::str::FromStr;

use chrono::{DateTime, Datelike as _, Utc};
use tenantry_kernel::{OrganizationId, Revision, UserId, text_value, typed_id, whole_microseconds};
use tenantry_tenancy::{Permission, ProjectId, TenantContext};

use crate::Labels;

typed_id! {
    /// Names a task.
    TaskId
}

text_value! {
    /// What is to be done, 1 to 200 characters.
    TaskTitle, 1..=200
}

text_value! {
    /// The particulars, at most 1,000 characters.
    TaskDescription, 0..=1000
}

/// Whether a task is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Status {
    /// It is not.
    #[default]
    Pending,
    /// It is.
    Completed,
}

/// A text is not the name of a status. The message fits after the name of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be Pending or Completed")]
pub struct StatusError;

impl Status {
    /// The name of the status, as the API and the databases spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Completed => "Completed",
        }
    }

    /// The other one.
    #[must_use]
    pub fn toggled(self) -> Self {
        match self {
            Self::Pending => Self::Completed,
            Self::Completed => Self::Pending,
        }
    }
}

impl FromStr for Status {
    type Err = StatusError;

    fn from_str(name: &str) -> Result<Self, StatusError> {
        [Self::Pending, Self::Completed].into_iter().find(|status| status.as_str() == name).ok_or(StatusError)
    }
}

/// How urgent a task is: 0 (not at all, the default) to 4 (most).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Priority(i16);

/// A number is not a priority. The message fits after the name of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be between 0 and 4")]
pub struct PriorityError;

impl Priority {
    /// Takes a number between 0 and 4.
    ///
    /// # Errors
    /// [`PriorityError`].
    pub fn parse(value: i64) -> Result<Self, PriorityError> {
        match i16::try_from(value) {
            Ok(value @ 0..=4) => Ok(Self(value)),
            _ => Err(PriorityError),
        }
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> i16 {
        self.0
    }
}

/// When a task is to be done: a time between the years 1 and 9999, to the microsecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct DueAt(DateTime<Utc>);

/// A time is too far away. The message fits after the name of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be between the years 1 and 9999")]
pub struct DueAtError;

impl DueAt {
    /// Takes a time that RFC 3339 can write.
    ///
    /// # Errors
    /// [`DueAtError`].
    pub fn parse(time: DateTime<Utc>) -> Result<Self, DueAtError> {
        if (1..=9999).contains(&time.year()) { Ok(Self(whole_microseconds(time))) } else { Err(DueAtError) }
    }

    /// The time as it was stored.
    #[must_use]
    pub fn from_stored(time: DateTime<Utc>) -> Self {
        Self(time)
    }

    /// The time.
    #[must_use]
    pub fn get(self) -> DateTime<Utc> {
        self.0
    }
}

/// Something to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Names the task.
    pub id: TaskId,
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// Which member made it.
    pub user_id: UserId,
    /// The project it belongs to.
    pub project_id: Option<ProjectId>,
    /// Which member is to do it.
    pub assignee_id: Option<UserId>,
    /// What is to be done.
    pub title: TaskTitle,
    /// The particulars.
    pub description: Option<TaskDescription>,
    /// Whether it is done.
    pub status: Status,
    /// How urgent it is.
    pub priority: Priority,
    /// When it is to be done.
    pub due_at: Option<DueAt>,
    /// What it is filed under.
    pub labels: Labels,
    /// When it was done; set exactly while the status is `Completed`.
    pub completed_at: Option<DateTime<Utc>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// The version of the stored task.
    pub revision: Revision,
}

/// What somebody gives to make a task.
#[derive(Debug, Clone)]
pub struct NewTask {
    /// The identifier, where one was reserved for a request that may be repeated: making it again changes nothing.
    pub id: Option<TaskId>,
    /// What is to be done.
    pub title: TaskTitle,
    /// The particulars.
    pub description: Option<TaskDescription>,
    /// Whether it is done already.
    pub status: Status,
    /// The project it belongs to.
    pub project_id: Option<ProjectId>,
    /// Which member is to do it.
    pub assignee_id: Option<UserId>,
    /// How urgent it is.
    pub priority: Priority,
    /// When it is to be done.
    pub due_at: Option<DueAt>,
    /// What it is filed under.
    pub labels: Labels,
}

impl NewTask {
    /// A task of this title and nothing else.
    #[must_use]
    pub fn titled(title: TaskTitle) -> Self {
        Self {
            id: None,
            title,
            description: None,
            status: Status::default(),
            project_id: None,
            assignee_id: None,
            priority: Priority::default(),
            due_at: None,
            labels: Labels::default(),
        }
    }
}

/// A change of a task; what is `None` stays as it is, and `Some(None)` clears.
#[derive(Debug, Clone, Default)]
pub struct TaskChange {
    /// What is to be done.
    pub title: Option<TaskTitle>,
    /// The particulars.
    pub description: Option<Option<TaskDescription>>,
    /// Whether it is done.
    pub status: Option<Status>,
    /// The project it belongs to.
    pub project_id: Option<Option<ProjectId>>,
    /// Which member is to do it.
    pub assignee_id: Option<Option<UserId>>,
    /// How urgent it is.
    pub priority: Option<Priority>,
    /// When it is to be done.
    pub due_at: Option<Option<DueAt>>,
    /// What it is filed under.
    pub labels: Option<Labels>,
}

/// What completing a task means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Completion {
    /// Change it to the other status.
    Toggle,
    /// Change it to this status.
    Set(Status),
}

/// What somebody may do with one task of their organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TaskAccess {
    /// Nothing: it is another member's.
    None,
    /// Read and complete it: it is assigned to them.
    Work,
    /// Change and delete it too: it is theirs, or they manage everyone's.
    Full,
}

impl Task {
    /// The task that `new` asks for, made by `user_id` at `now`.
    #[must_use]
    pub fn create(
        new: NewTask,
        id: TaskId,
        organization_id: OrganizationId,
        user_id: UserId,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            id,
            organization_id,
            user_id,
            project_id: new.project_id,
            assignee_id: new.assignee_id,
            title: new.title,
            description: new.description,
            status: new.status,
            priority: new.priority,
            due_at: new.due_at,
            labels: new.labels,
            completed_at: (new.status == Status::Completed).then_some(now),
            created_at: now,
            updated_at: now,
            revision: Revision::FIRST,
        }
    }

    /// What the context's actor may do with the task.
    #[must_use]
    pub fn access(&self, context: &TenantContext) -> TaskAccess {
        let actor = context.actor().user_id();
        let is_own = actor == Some(self.user_id) && context.allows(Permission::WriteTasks);
        if is_own || context.allows(Permission::ManageTasks) {
            TaskAccess::Full
        } else if actor.is_some() && actor == self.assignee_id {
            TaskAccess::Work
        } else {
            TaskAccess::None
        }
    }

    /// The task after `change` at `now`.
    #[must_use]
    pub fn changed(mut self, change: TaskChange, now: DateTime<Utc>) -> Self {
        fn set<T>(field: &mut T, value: Option<T>) {
            if let Some(value) = value {
                *field = value;
            }
        }
        set(&mut self.title, change.title);
        set(&mut self.description, change.description);
        set(&mut self.project_id, change.project_id);
        set(&mut self.assignee_id, change.assignee_id);
        set(&mut self.priority, change.priority);
        set(&mut self.due_at, change.due_at);
        set(&mut self.labels, change.labels);
        let status = change.status.unwrap_or(self.status);
        self.with_status(status, now)
    }

    /// The task after `completion` at `now`.
    #[must_use]
    pub fn completed(self, completion: Completion, now: DateTime<Utc>) -> Self {
        let status = match completion {
            Completion::Toggle => self.status.toggled(),
            Completion::Set(status) => status,
        };
        self.with_status(status, now)
    }

    fn with_status(mut self, status: Status, now: DateTime<Utc>) -> Self {
        self.completed_at = match status {
            Status::Pending => None,
            Status::Completed => self.completed_at.or(Some(now)),
        };
        self.status = status;
        self.updated_at = now;
        self.revision = self.revision.next();
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
    }

    fn task() -> Task {
        let new = NewTask::titled(TaskTitle::parse("write the tests").unwrap());
        let [id, organization, user] = [1, 2, 3].map(Uuid::from_u128);
        Task::create(
            new,
            TaskId::from_uuid(id),
            OrganizationId::from_uuid(organization),
            UserId::from_uuid(user),
            at(0),
        )
    }

    #[test]
    fn completing_toggles_and_keeps_the_first_time() {
        let done = task().completed(Completion::Toggle, at(1));
        assert_eq!((done.status, done.completed_at), (Status::Completed, Some(at(1))));
        let again = done.completed(Completion::Set(Status::Completed), at(2));
        assert_eq!(again.completed_at, Some(at(1)));
        let open = again.completed(Completion::Toggle, at(3));
        assert_eq!((open.status, open.completed_at), (Status::Pending, None));
        assert_eq!(open.revision.get(), 4);
    }

    #[test]
    fn a_change_leaves_the_rest_alone() {
        let before = task();
        let due = DueAt::parse(at(9)).unwrap();
        let change = TaskChange { due_at: Some(Some(due)), ..TaskChange::default() };
        let after = before.clone().changed(change, at(5));
        assert_eq!(after.due_at, Some(due));
        assert_eq!(after.title, before.title);
        assert_eq!((after.updated_at, after.created_at), (at(5), at(0)));
        let cleared = after.changed(TaskChange { due_at: Some(None), ..TaskChange::default() }, at(6));
        assert_eq!(cleared.due_at, None);
    }

    #[test]
    fn t2_title_description_status_and_priority_are_bounded() {
        assert!(TaskTitle::parse(&"x".repeat(200)).is_ok());
        assert!(TaskTitle::parse(&"x".repeat(201)).is_err());
        assert!(TaskTitle::parse("   ").is_err());
        assert!(TaskDescription::parse(&"é".repeat(1000)).is_ok());
        assert!(TaskDescription::parse(&"é".repeat(1001)).is_err());
        assert_eq!("Done".parse::<Status>(), Err(StatusError));
        assert_eq!(Priority::parse(5), Err(PriorityError));
        assert_eq!(Priority::parse(-1), Err(PriorityError));
        let far = "+12000-01-01T00:00:00Z".parse().unwrap();
        assert_eq!(DueAt::parse(far), Err(DueAtError));
    }
}
