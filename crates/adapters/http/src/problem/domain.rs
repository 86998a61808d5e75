//! The one place that says which problem each error of the domains is.

use tenantry_application::{ApiKeyError, JobError, PlatformError, SignInError, SignUpError};
use tenantry_identity::{
    AccessTokenError, AuthenticationError, IdentityError, UserKey, WeakPassword, ports::HashingError,
};
use tenantry_readings::{BudgetField, Failure, Reading, ReadingError};
use tenantry_sync::{SyncError, objects::ObjectError};
use tenantry_tasks::TaskError;
use tenantry_tenancy::TenancyError;

use super::{ErrorCode, Problem};

impl From<HashingError> for Problem {
    fn from(error: HashingError) -> Self {
        match error {
            HashingError::Busy { retry_after_seconds } => {
                Self::new(ErrorCode::Unavailable).with_retry_after(retry_after_seconds)
            }
            HashingError::Failed => Self::internal(&error),
        }
    }
}

impl From<AuthenticationError> for Problem {
    fn from(error: AuthenticationError) -> Self {
        match error {
            AuthenticationError::InvalidCredentials => Self::new(ErrorCode::InvalidCredentials),
            AuthenticationError::AccountInactive => Self::new(ErrorCode::AccountInactive),
            AuthenticationError::EmailNotVerified => Self::new(ErrorCode::EmailNotVerified),
            AuthenticationError::Token(AccessTokenError::Expired) => Self::new(ErrorCode::TokenExpired),
            AuthenticationError::Token(AccessTokenError::Invalid) => Self::new(ErrorCode::TokenInvalid),
            AuthenticationError::Token(AccessTokenError::KeysUnavailable) => {
                Self::new(ErrorCode::Unavailable).with_retry_after(1)
            }
            AuthenticationError::SessionRevoked => Self::new(ErrorCode::SessionRevoked),
            AuthenticationError::MembershipChanged => Self::new(ErrorCode::MembershipChanged),
            AuthenticationError::RefreshTokenInvalid => Self::new(ErrorCode::RefreshTokenInvalid),
            AuthenticationError::RefreshTokenReused => Self::new(ErrorCode::RefreshTokenReused),
            AuthenticationError::Hashing(error) => error.into(),
            AuthenticationError::Storage(error) => error.into(),
        }
    }
}

impl From<IdentityError> for Problem {
    fn from(error: IdentityError) -> Self {
        match error {
            IdentityError::NotFound => Self::not_found(),
            IdentityError::Taken(key) => taken(key),
            IdentityError::Weak(weak) => weak_password(weak),
            IdentityError::WrongPassword => wrong_password("current_password"),
            IdentityError::WrongCode => Self::validation("code", "is wrong"),
            IdentityError::SecondFactorOn => {
                Self::new(ErrorCode::Conflict).with_detail("a second factor is on already: disable it first")
            }
            IdentityError::NoSecondFactor => {
                Self::new(ErrorCode::Conflict).with_detail("no second factor is on, or waits to be confirmed")
            }
            IdentityError::LinkInvalid => link_invalid(),
            IdentityError::RevisionMismatch => Self::new(ErrorCode::PreconditionFailed),
            IdentityError::Hashing(error) => error.into(),
            IdentityError::Storage(error) => error.into(),
        }
    }
}

impl From<ApiKeyError> for Problem {
    fn from(error: ApiKeyError) -> Self {
        match error {
            ApiKeyError::ExpiresInThePast => Self::validation("expires_at", error),
            ApiKeyError::TooMany => Self::new(ErrorCode::Conflict).with_detail(error.to_string()),
            ApiKeyError::NotFound => Self::not_found(),
            ApiKeyError::Tenancy(error) => error.into(),
            ApiKeyError::Storage(error) => error.into(),
        }
    }
}

impl From<PlatformError> for Problem {
    fn from(error: PlatformError) -> Self {
        match error {
            PlatformError::Forbidden => Self::new(ErrorCode::Forbidden),
            PlatformError::NotFound => Self::not_found(),
            PlatformError::SelfDeactivation => Self::new(ErrorCode::Conflict).with_detail(error.to_string()),
            PlatformError::RevisionMismatch => Self::new(ErrorCode::PreconditionFailed),
            PlatformError::Storage(error) => error.into(),
        }
    }
}

impl From<JobError> for Problem {
    fn from(error: JobError) -> Self {
        match error {
            JobError::NotFound => Self::not_found(),
            JobError::NotRetryable | JobError::NotCancellable => {
                Self::new(ErrorCode::Conflict).with_detail(error.to_string())
            }
            JobError::Storage(error) => error.into(),
        }
    }
}

impl From<SignInError> for Problem {
    fn from(error: SignInError) -> Self {
        match error {
            SignInError::Authentication(error) => error.into(),
            SignInError::Identity(error) => error.into(),
            SignInError::LastOwner => Self::new(ErrorCode::LastOwner),
            SignInError::Storage(error) => error.into(),
        }
    }
}

impl From<SignUpError> for Problem {
    fn from(error: SignUpError) -> Self {
        match error {
            SignUpError::Taken(key) => taken(key),
            SignUpError::Weak(weak) => weak_password(weak),
            SignUpError::Hashing(error) => error.into(),
            SignUpError::Tenancy(error) => error.into(),
            SignUpError::Storage(error) => error.into(),
        }
    }
}

impl From<TenancyError> for Problem {
    fn from(error: TenancyError) -> Self {
        match error {
            TenancyError::NotFound => Self::not_found(),
            TenancyError::Forbidden => Self::new(ErrorCode::Forbidden),
            TenancyError::SlugTaken => Self::new(ErrorCode::SlugTaken),
            TenancyError::AlreadyMember => Self::new(ErrorCode::AlreadyMember),
            TenancyError::InvitationUsed => Self::new(ErrorCode::InvitationUsed),
            TenancyError::LastOwner => Self::new(ErrorCode::LastOwner),
            TenancyError::SelfDeletion => Self::new(ErrorCode::SelfDeletion),
            TenancyError::RevisionMismatch => Self::new(ErrorCode::PreconditionFailed),
            TenancyError::Storage(error) => error.into(),
        }
    }
}

impl From<TaskError> for Problem {
    fn from(error: TaskError) -> Self {
        match error {
            TaskError::NotFound => Self::not_found(),
            TaskError::Forbidden => Self::new(ErrorCode::Forbidden),
            TaskError::UnknownProject => Self::validation("project_id", "must be a project of the organization"),
            TaskError::UnknownAssignee => Self::validation("assignee_id", "must be a member of the organization"),
            TaskError::RevisionMismatch => Self::new(ErrorCode::PreconditionFailed),
            TaskError::Storage(error) => error.into(),
        }
    }
}

impl From<SyncError> for Problem {
    fn from(error: SyncError) -> Self {
        match error {
            SyncError::NotFound => Self::not_found(),
            SyncError::Forbidden => Self::new(ErrorCode::Forbidden),
            SyncError::UnknownProject => Self::validation("project_id", "must be a project of the organization"),
            SyncError::UnknownCycle => Self::validation("cycle_id", "must be a cycle of the project"),
            SyncError::UnknownSession => Self::validation("session_id", "must be a sync session of the organization"),
            SyncError::CycleNumberTaken => {
                Self::new(ErrorCode::CycleNumberTaken).with_field("cycle_number", "is taken in this project")
            }
            SyncError::SessionActive(run) => {
                Self::new(ErrorCode::SessionActive).with_extension("job_id", run.to_string())
            }
            SyncError::DirectoryNotAllowed => {
                Self::new(ErrorCode::DirectoryNotAllowed).with_field("local_directory", "can't be used")
            }
            SyncError::BucketNotAllowed => Self::new(ErrorCode::BucketNotAllowed),
            SyncError::ProfileNotAllowed => {
                Self::new(ErrorCode::ProfileNotAllowed).with_field("aws_profile", "can't be used")
            }
            SyncError::BadInclude(error) => Self::validation("include", error),
            SyncError::BadExclude(error) => Self::validation("exclude", error),
            SyncError::CycleInUse
            | SyncError::NothingToDo
            | SyncError::SessionChanged
            | SyncError::NotDirect
            | SyncError::JobEnded
            | SyncError::NotTaken => Self::new(ErrorCode::Conflict).with_detail(error.to_string()),
            SyncError::OffsetMismatch => Self::new(ErrorCode::Conflict)
                .with_detail("what has arrived of the file ends elsewhere: go on from where HEAD says"),
            SyncError::TooLong => Self::new(ErrorCode::PayloadTooLarge).with_detail(error.to_string()),
            SyncError::ChecksumMismatch => Self::new(ErrorCode::ChecksumMismatch).with_detail(error.to_string()),
            SyncError::UnknownFile => Self::validation("file_id", "must be a file of the job that waits for parts"),
            SyncError::UnknownPart { count } => {
                Self::validation("parts", format!("must have numbers from 1 to {count}"))
            }
            SyncError::Objects(error) => error.into(),
            SyncError::RevisionMismatch => Self::new(ErrorCode::PreconditionFailed),
            SyncError::Storage(error) => error.into(),
        }
    }
}

/// Seconds after which one may look whether somebody has made room.
const FULL_FOR: u64 = 60;

impl From<ObjectError> for Problem {
    fn from(error: ObjectError) -> Self {
        match error {
            ObjectError::Throttled { retry_after } => {
                let seconds = retry_after.map_or(1, |wait| wait.as_secs().max(1));
                Self::new(ErrorCode::Unavailable).with_retry_after(seconds)
            }
            ObjectError::Full(_) => {
                tracing::error!(?error, "the object store is full");
                Self::new(ErrorCode::Unavailable)
                    .with_detail("the object store has no room left; what has arrived stays")
                    .with_retry_after(FULL_FOR)
            }
            ObjectError::Refused { .. } => {
                tracing::warn!(?error, "the object store refuses");
                Self::new(ErrorCode::Conflict).with_detail(error.to_string())
            }
            error if error.is_transient() => {
                tracing::warn!(?error, "the object store fails");
                Self::new(ErrorCode::Unavailable).with_retry_after(1)
            }
            error => Self::internal(&error),
        }
    }
}

impl From<ReadingError> for Problem {
    fn from(error: ReadingError) -> Self {
        match error {
            ReadingError::NotFound => Self::not_found(),
            ReadingError::Forbidden => Self::new(ErrorCode::Forbidden),
            ReadingError::UnknownAdvisor => Self::validation("advisor", "must be an advisor of the organization"),
            ReadingError::AdvisorTaken => Self::new(ErrorCode::Conflict).with_field("id", "is taken"),
            ReadingError::TooManyAdvisors(_) | ReadingError::StillRunning => {
                Self::new(ErrorCode::Conflict).with_detail(error.to_string())
            }
            ReadingError::BudgetExceeded => Self::new(ErrorCode::BudgetExceeded),
            ReadingError::BudgetTooLarge(field) => {
                Self::validation(name_of(field), "must not be more than the platform allows")
            }
            ReadingError::TooMany { retry_after } => {
                let seconds = retry_after.as_secs().saturating_add(u64::from(retry_after.subsec_nanos() > 0));
                Self::new(ErrorCode::RateLimited).with_retry_after(seconds.max(1))
            }
            ReadingError::PriceUnknown => {
                tracing::error!("an advisor has a model without a price, so nobody can ask it");
                Self::new(ErrorCode::Unavailable)
            }
            ReadingError::RevisionMismatch => Self::new(ErrorCode::PreconditionFailed),
            ReadingError::Storage(error) => error.into(),
        }
    }
}

fn name_of(field: BudgetField) -> &'static str {
    match field {
        BudgetField::Monthly => "monthly_usd",
        BudgetField::Daily => "daily_usd",
        BudgetField::PerUserMonthly => "per_user_monthly_usd",
        BudgetField::PerUserDaily => "per_user_daily_usd",
    }
}

/// Why a reading has no answer, or not all of one; none for one that did not fail. The same whenever it is asked for.
pub(crate) fn failed_reading(reading: &Reading) -> Option<Problem> {
    let (code, detail) = match reading.failure? {
        Failure::Provider => (ErrorCode::ProviderError, "the advisor could not be reached, or broke off"),
        Failure::Timeout => (ErrorCode::Timeout, "the advisor took too long"),
        Failure::Interrupted => (ErrorCode::ProviderError, "the answer was interrupted"),
        Failure::Refused => (ErrorCode::ProviderError, "the advisor may not answer any more"),
    };
    Some(Problem::new(code).with_detail(detail).with_extension("reading_id", reading.id.to_string()))
}

/// A password that was to confirm something was not the right one.
pub(crate) fn wrong_password(field: &str) -> Problem {
    Problem::validation(field, "is wrong")
}

/// A mailed link is good for nothing, or the token of none.
pub(crate) fn link_invalid() -> Problem {
    Problem::new(ErrorCode::LinkInvalid).with_field("token", "is wrong, was used before, or has expired")
}

fn taken(key: UserKey) -> Problem {
    match key {
        UserKey::Email => Problem::new(ErrorCode::EmailTaken).with_field("email", "is taken"),
        UserKey::Username => Problem::new(ErrorCode::UsernameTaken).with_field("username", "is taken"),
    }
}

fn weak_password(weak: WeakPassword) -> Problem {
    Problem::new(ErrorCode::WeakPassword).with_field("password", weak)
}
