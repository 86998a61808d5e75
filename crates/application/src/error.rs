use tenantry_identity::{
    AuthenticationError, IdentityError, InsertUserError, RegistrationError, UserKey, WeakPassword, ports::HashingError,
};
use tenantry_kernel::StorageError;
use tenantry_tenancy::{InsertMembershipError, TenancyError};

/// Somebody could not sign up.
#[derive(Debug, thiserror::Error)]
pub enum SignUpError {
    /// Another account has the same e-mail address or username.
    #[error("the {0:?} is taken")]
    Taken(UserKey),
    /// The password is too easy to guess.
    #[error("the password {0}")]
    Weak(WeakPassword),
    /// The password could not be hashed.
    #[error(transparent)]
    Hashing(#[from] HashingError),
    /// The organisation could not be founded.
    #[error(transparent)]
    Tenancy(#[from] TenancyError),
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl From<InsertMembershipError> for SignUpError {
    fn from(error: InsertMembershipError) -> Self {
        Self::Tenancy(error.into())
    }
}

impl From<RegistrationError> for SignUpError {
    fn from(error: RegistrationError) -> Self {
        match error {
            RegistrationError::Weak(weak) => Self::Weak(weak),
            RegistrationError::Hashing(error) => Self::Hashing(error),
        }
    }
}

impl From<InsertUserError> for SignUpError {
    fn from(error: InsertUserError) -> Self {
        match error {
            InsertUserError::Taken(key) => Self::Taken(key),
            InsertUserError::Storage(error) => Self::Storage(error),
        }
    }
}

/// Somebody could not sign in, or go on being signed in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// They could not prove who they are.
    #[error(transparent)]
    Authentication(#[from] AuthenticationError),
    /// Their account failed them.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// They own an organisation alone that has other members.
    #[error("the account is the only owner of an organisation with other members")]
    LastOwner,
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}
