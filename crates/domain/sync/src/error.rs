use tenantry_kernel::StorageError;
use tenantry_tenancy::TenancyError;

use crate::objects::ObjectError;
use crate::{PatternSyntaxError, RunId};

/// A cycle could not be stored.
#[derive(Debug, thiserror::Error)]
pub enum StoreCycleError {
    /// Another cycle of the project has the same number; nothing else can be done in the transaction.
    #[error("the number is taken")]
    NumberTaken,
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// A use case of sync failed.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// It is absent, or the actor can't see it.
    #[error("not found")]
    NotFound,
    /// The actor's role does not allow it.
    #[error("the role does not allow this")]
    Forbidden,
    /// The project is none of the organisation's.
    #[error("the project does not exist")]
    UnknownProject,
    /// The cycle is none of the project's.
    #[error("the cycle does not exist")]
    UnknownCycle,
    /// The session to start is none of the organisation's.
    #[error("the session does not exist")]
    UnknownSession,
    /// Another cycle of the project has the same number.
    #[error("the number is taken")]
    CycleNumberTaken,
    /// The cycle has sessions, which belong to its project.
    #[error("the cycle has sessions")]
    CycleInUse,
    /// A run of the session, or of one that would go along, is queued or started.
    #[error("a run is active")]
    SessionActive(RunId),
    /// The folder is not there, or not for the organisation to read.
    #[error("the folder can't be used")]
    DirectoryNotAllowed,
    /// The bucket is not for the organisation to write to.
    #[error("the bucket can't be used")]
    BucketNotAllowed,
    /// The profile is not for the organisation to use.
    #[error("the profile can't be used")]
    ProfileNotAllowed,
    /// The patterns of files to take are none.
    #[error("include {0}")]
    BadInclude(PatternSyntaxError),
    /// The patterns of files to leave are none.
    #[error("exclude {0}")]
    BadExclude(PatternSyntaxError),
    /// There is nothing to cancel, or to do again.
    #[error("there is nothing to do")]
    NothingToDo,
    /// The failed files are those of a folder or a destination that the session had before.
    #[error("the session or its destination was changed after that job: start it anew")]
    SessionChanged,
    /// The job is none that a client sends files to.
    #[error("the job is no direct upload")]
    NotDirect,
    /// The job takes nothing more.
    #[error("the job has ended")]
    JobEnded,
    /// The object store has no way to take files from clients.
    #[error("the object store takes no direct uploads")]
    NotTaken,
    /// The file was not declared in the job, or is not to be sent in parts, or not any more.
    #[error("the job has no such file that waits for parts")]
    UnknownFile,
    /// The file has no part of this number.
    #[error("the file has {count} parts")]
    UnknownPart {
        /// How many it has.
        count: u32,
    },
    /// The object store failed.
    #[error(transparent)]
    Objects(#[from] ObjectError),
    /// It is not at the revision that the caller saw.
    #[error("it was changed meanwhile")]
    RevisionMismatch,
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl From<StoreCycleError> for SyncError {
    fn from(error: StoreCycleError) -> Self {
        match error {
            StoreCycleError::NumberTaken => Self::CycleNumberTaken,
            StoreCycleError::Storage(error) => Self::Storage(error),
        }
    }
}

impl From<TenancyError> for SyncError {
    fn from(error: TenancyError) -> Self {
        match error {
            TenancyError::NotFound => Self::NotFound,
            TenancyError::Forbidden
            | TenancyError::SlugTaken
            | TenancyError::AlreadyMember
            | TenancyError::InvitationUsed
            | TenancyError::LastOwner
            | TenancyError::SelfDeletion => Self::Forbidden,
            TenancyError::RevisionMismatch => Self::RevisionMismatch,
            TenancyError::Storage(error) => Self::Storage(error),
        }
    }
}
