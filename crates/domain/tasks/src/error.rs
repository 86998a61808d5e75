use tenantry_kernel::StorageError;
use tenantry_tenancy::TenancyError;

/// A use case of a task failed.
#[derive(Debug, thiserror::Error)]
pub enum TaskError {
    /// There is no such task in the organisation.
    #[error("not found")]
    NotFound,
    /// The task is another member's, or the role does not allow this.
    #[error("not permitted")]
    Forbidden,
    /// The project is none of the organisation's.
    #[error("the project does not exist")]
    UnknownProject,
    /// The assignee is no member of the organisation.
    #[error("the assignee is not a member")]
    UnknownAssignee,
    /// The task is not at the revision that the caller saw.
    #[error("the task was changed meanwhile")]
    RevisionMismatch,
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl From<TenancyError> for TaskError {
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
