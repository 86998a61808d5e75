use std::str::FromStr;

use chrono::{DateTime, Utc};
use tenantry_kernel::{Cursor, OrganizationId, Revision, SortKey, UserId, typed_id};
use tenantry_tenancy::{ProjectId, StoragePrefix};

use super::{CompareBy, LocalDirectory, MaxWorkers, Patterns, ProfileName, Retries, Schedule};
use crate::{CycleId, Progress, RunState, RunSummary};

typed_id! {
    /// Names a sync session.
    SyncSessionId
}

/// How far a session is: what became of its latest run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionStatus {
    /// It never ran, or waits for a worker.
    Pending,
    /// A worker is at it.
    InProgress,
    /// Everything is where it belongs.
    Completed,
    /// Everything but some files is.
    CompletedWithErrors,
    /// It was given up.
    Failed,
    /// Somebody cancelled it.
    Cancelled,
}

/// A text is not the name of a status. The message fits after the name of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be pending, in_progress, completed, completed_with_errors, failed or cancelled")]
pub struct SessionStatusError;

impl SessionStatus {
    /// Every status.
    pub const ALL: [Self; 6] =
        [Self::Pending, Self::InProgress, Self::Completed, Self::CompletedWithErrors, Self::Failed, Self::Cancelled];

    /// The name of the status, as the API spells it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::CompletedWithErrors => "completed_with_errors",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// What a run in this state, with or without failed files, makes of its session.
    #[must_use]
    pub fn after(state: RunState, has_failed_files: bool) -> Self {
        match state {
            RunState::Queued => Self::Pending,
            RunState::Started => Self::InProgress,
            RunState::Finished if has_failed_files => Self::CompletedWithErrors,
            RunState::Finished => Self::Completed,
            RunState::Failed => Self::Failed,
            RunState::Cancelled => Self::Cancelled,
        }
    }
}

impl FromStr for SessionStatus {
    type Err = SessionStatusError;

    fn from_str(name: &str) -> Result<Self, SessionStatusError> {
        Self::ALL.into_iter().find(|status| status.as_str() == name).ok_or(SessionStatusError)
    }
}

/// A folder of the server that is brought into an object store, as often as one likes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncSession {
    /// Names the session.
    pub id: SyncSessionId,
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// Which member made it; its scheduled runs are in their name.
    pub user_id: UserId,
    /// The project whose objects it makes.
    pub project_id: ProjectId,
    /// The cycle that it belongs to.
    pub cycle_id: Option<CycleId>,
    /// The folder.
    pub local_directory: LocalDirectory,
    /// Where its objects go below the project's prefix, if not where its cycle's do.
    pub s3_prefix: Option<StoragePrefix>,
    /// With whose rights the object store is written to, if not with the server's.
    pub aws_profile: Option<ProfileName>,
    /// How much is under way at once.
    pub max_workers: MaxWorkers,
    /// How often a file is tried again.
    pub times_to_retry: Retries,
    /// Whether several threads look through the folder, rather than one.
    pub use_find: bool,
    /// Which files; empty for all.
    pub include: Patterns,
    /// Which of these not.
    pub exclude: Patterns,
    /// What counts as unchanged.
    pub compare_by: CompareBy,
    /// Whether objects are removed whose files are gone.
    pub delete_extraneous: bool,
    /// When it runs by itself.
    pub schedule: Option<Schedule>,
    /// Its latest run, dry ones not counted.
    pub last_run: Option<RunSummary>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it last changed; its runs are no changes.
    pub updated_at: DateTime<Utc>,
    /// The version of the stored session.
    pub revision: Revision,
}

/// What somebody gives to make a session.
#[derive(Debug, Clone)]
pub struct NewSyncSession {
    /// The id, where one was reserved for it before.
    pub id: Option<SyncSessionId>,
    /// The project whose objects it makes.
    pub project_id: ProjectId,
    /// The cycle that it belongs to.
    pub cycle_id: Option<CycleId>,
    /// The folder.
    pub local_directory: LocalDirectory,
    /// Where its objects go.
    pub s3_prefix: Option<StoragePrefix>,
    /// With whose rights.
    pub aws_profile: Option<ProfileName>,
    /// How much is under way at once.
    pub max_workers: MaxWorkers,
    /// How often a file is tried again.
    pub times_to_retry: Retries,
    /// Whether several threads look through the folder.
    pub use_find: bool,
    /// Which files.
    pub include: Patterns,
    /// Which of these not.
    pub exclude: Patterns,
    /// What counts as unchanged.
    pub compare_by: CompareBy,
    /// Whether objects are removed whose files are gone.
    pub delete_extraneous: bool,
    /// When it runs by itself.
    pub schedule: Option<Schedule>,
}

/// A change of a session; what is `None` stays as it is, `Some(None)` clears.
#[derive(Debug, Clone, Default)]
pub struct SyncSessionChange {
    /// Another project.
    pub project_id: Option<ProjectId>,
    /// Another cycle.
    pub cycle_id: Option<Option<CycleId>>,
    /// Another folder.
    pub local_directory: Option<LocalDirectory>,
    /// The new prefix.
    pub s3_prefix: Option<Option<StoragePrefix>>,
    /// The new profile.
    pub aws_profile: Option<Option<ProfileName>>,
    /// How much is under way at once.
    pub max_workers: Option<MaxWorkers>,
    /// How often a file is tried again.
    pub times_to_retry: Option<Retries>,
    /// Whether several threads look through the folder.
    pub use_find: Option<bool>,
    /// Which files.
    pub include: Option<Patterns>,
    /// Which of these not.
    pub exclude: Option<Patterns>,
    /// What counts as unchanged.
    pub compare_by: Option<CompareBy>,
    /// Whether objects are removed whose files are gone.
    pub delete_extraneous: Option<bool>,
    /// When it runs by itself.
    pub schedule: Option<Option<Schedule>>,
}

/// Which sessions a list holds: those that satisfy every part that is given.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SessionFilter {
    /// Of this project.
    pub project_id: Option<ProjectId>,
    /// Of this cycle.
    pub cycle_id: Option<CycleId>,
    /// This far.
    pub status: Option<SessionStatus>,
}

/// What sessions come to together.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SessionStats {
    /// How many there are in each status that any has.
    pub by_status: Vec<(SessionStatus, u64)>,
    /// What their latest runs did.
    pub progress: Progress,
}

impl NewSyncSession {
    /// A session of this project and folder, as it is by default.
    #[must_use]
    pub fn of(project_id: ProjectId, local_directory: LocalDirectory) -> Self {
        Self {
            id: None,
            project_id,
            cycle_id: None,
            local_directory,
            s3_prefix: None,
            aws_profile: None,
            max_workers: MaxWorkers::default(),
            times_to_retry: Retries::default(),
            use_find: true,
            include: Patterns::default(),
            exclude: Patterns::default(),
            compare_by: CompareBy::default(),
            delete_extraneous: false,
            schedule: None,
        }
    }
}

impl SyncSession {
    /// A new session, made at `now` by `user_id`.
    #[must_use]
    pub fn create(
        new: NewSyncSession,
        id: SyncSessionId,
        organization_id: OrganizationId,
        user_id: UserId,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            id,
            organization_id,
            user_id,
            project_id: new.project_id,
            cycle_id: new.cycle_id,
            local_directory: new.local_directory,
            s3_prefix: new.s3_prefix,
            aws_profile: new.aws_profile,
            max_workers: new.max_workers,
            times_to_retry: new.times_to_retry,
            use_find: new.use_find,
            include: new.include,
            exclude: new.exclude,
            compare_by: new.compare_by,
            delete_extraneous: new.delete_extraneous,
            schedule: new.schedule,
            last_run: None,
            created_at: now,
            updated_at: now,
            revision: Revision::FIRST,
        }
    }

    /// The session after `change` at `now`.
    #[must_use]
    pub fn changed(self, change: SyncSessionChange, now: DateTime<Utc>) -> Self {
        Self {
            project_id: change.project_id.unwrap_or(self.project_id),
            cycle_id: change.cycle_id.unwrap_or(self.cycle_id),
            local_directory: change.local_directory.unwrap_or(self.local_directory),
            s3_prefix: change.s3_prefix.unwrap_or(self.s3_prefix),
            aws_profile: change.aws_profile.unwrap_or(self.aws_profile),
            max_workers: change.max_workers.unwrap_or(self.max_workers),
            times_to_retry: change.times_to_retry.unwrap_or(self.times_to_retry),
            use_find: change.use_find.unwrap_or(self.use_find),
            include: change.include.unwrap_or(self.include),
            exclude: change.exclude.unwrap_or(self.exclude),
            compare_by: change.compare_by.unwrap_or(self.compare_by),
            delete_extraneous: change.delete_extraneous.unwrap_or(self.delete_extraneous),
            schedule: change.schedule.unwrap_or(self.schedule),
            updated_at: now,
            revision: self.revision.next(),
            ..self
        }
    }

    /// How far it is.
    #[must_use]
    pub fn status(&self) -> SessionStatus {
        self.last_run.as_ref().map_or(SessionStatus::Pending, RunSummary::session_status)
    }

    /// The place just after this session in a list, the newest first.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        Cursor { key: SortKey::Time(self.created_at), id: self.id.as_uuid() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_named() {
        for status in SessionStatus::ALL {
            assert_eq!(status.as_str().parse(), Ok(status));
        }
        assert_eq!("done".parse::<SessionStatus>(), Err(SessionStatusError));
    }

    #[test]
    fn only_a_run_without_failed_files_completes_a_session() {
        assert_eq!(SessionStatus::after(RunState::Finished, false), SessionStatus::Completed);
        assert_eq!(SessionStatus::after(RunState::Finished, true), SessionStatus::CompletedWithErrors);
        assert_eq!(SessionStatus::after(RunState::Failed, true), SessionStatus::Failed);
    }
}
