use std::time::Duration;

use tenantry_kernel::StorageError;
use tenantry_tenancy::TenancyError;

/// A use case of readings failed.
#[derive(Debug, thiserror::Error)]
pub enum ReadingError {
    /// There is no such reading or advisor in the organisation.
    #[error("not found")]
    NotFound,
    /// The reading is another member's, or the role does not allow this.
    #[error("not permitted")]
    Forbidden,
    /// There is no such advisor to ask.
    #[error("the advisor does not exist")]
    UnknownAdvisor,
    /// Another advisor has the name.
    #[error("the name is taken")]
    AdvisorTaken,
    /// The organisation has as many advisors as it may have.
    #[error("there may be {0} advisors of the organisation's own")]
    TooManyAdvisors(u32),
    /// The organisation or the member has no money left for it.
    #[error("the budget is used up")]
    BudgetExceeded,
    /// The budget would allow more than the platform does.
    #[error("the platform allows less")]
    BudgetTooLarge(BudgetField),
    /// The organisation has asked too much of late.
    #[error("too many questions")]
    TooMany {
        /// When it may ask again.
        retry_after: Duration,
    },
    /// Nobody knows what the model costs, so it isn't asked.
    #[error("the price of the model is not known")]
    PriceUnknown,
    /// The reading is being answered: it has to be cancelled before it can be deleted.
    #[error("the reading is being answered")]
    StillRunning,
    /// It is not at the revision that the caller saw.
    #[error("it was changed meanwhile")]
    RevisionMismatch,
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// A limit of a budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BudgetField {
    /// [`Budget::monthly`](crate::Budget::monthly).
    Monthly,
    /// [`Budget::daily`](crate::Budget::daily).
    Daily,
    /// [`Budget::per_user_monthly`](crate::Budget::per_user_monthly).
    PerUserMonthly,
    /// [`Budget::per_user_daily`](crate::Budget::per_user_daily).
    PerUserDaily,
}

impl From<TenancyError> for ReadingError {
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
