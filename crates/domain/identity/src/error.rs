use tenantry_kernel::StorageError;

use crate::{AccessTokenError, WeakPassword, ports::HashingError};

/// What two accounts can't share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserKey {
    /// The e-mail address.
    Email,
    /// The username.
    Username,
}

/// An account could not be stored.
#[derive(Debug, thiserror::Error)]
pub enum InsertUserError {
    /// Another account has the same key.
    #[error("the {0:?} is taken")]
    Taken(UserKey),
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// A use case of an account failed.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// There is no such account or session that the actor may see.
    #[error("not found")]
    NotFound,
    /// Another account has the same e-mail address or username.
    #[error("the {0:?} is taken")]
    Taken(UserKey),
    /// The password is too easy to guess.
    #[error("the password {0}")]
    Weak(#[from] WeakPassword),
    /// The current password was not the one given.
    #[error("the current password is wrong")]
    WrongPassword,
    /// The code of the second factor is wrong, was used before, or was tried too often.
    #[error("the code is wrong")]
    WrongCode,
    /// The account has a second factor already.
    #[error("a second factor is on already")]
    SecondFactorOn,
    /// The account has no second factor that this could be about.
    #[error("there is no such second factor")]
    NoSecondFactor,
    /// The mailed link is wrong, was used or replaced, or has expired.
    #[error("the link is invalid")]
    LinkInvalid,
    /// The account is not at the revision that the caller saw.
    #[error("the account was changed meanwhile")]
    RevisionMismatch,
    /// The password could not be hashed.
    #[error(transparent)]
    Hashing(#[from] HashingError),
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl From<InsertUserError> for IdentityError {
    fn from(error: InsertUserError) -> Self {
        match error {
            InsertUserError::Taken(key) => Self::Taken(key),
            InsertUserError::Storage(error) => Self::Storage(error),
        }
    }
}

/// Somebody could not prove who they are.
#[derive(Debug, thiserror::Error)]
pub enum AuthenticationError {
    /// No account has this identifier and password.
    #[error("the credentials are wrong")]
    InvalidCredentials,
    /// The password is right, but the account may not sign in.
    #[error("the account is inactive")]
    AccountInactive,
    /// The password is right, but the address has to be verified before the account may be used.
    #[error("the e-mail address is not verified")]
    EmailNotVerified,
    /// The access token is not good.
    #[error(transparent)]
    Token(#[from] AccessTokenError),
    /// The access token's session or account ended.
    #[error("the session has ended")]
    SessionRevoked,
    /// The access token's role is out of date.
    #[error("the membership has changed")]
    MembershipChanged,
    /// The refresh token is not ours, or its session ended.
    #[error("the refresh token is invalid")]
    RefreshTokenInvalid,
    /// The refresh token was replaced long ago; its session was ended.
    #[error("the refresh token was used before")]
    RefreshTokenReused,
    /// The password could not be checked.
    #[error(transparent)]
    Hashing(#[from] HashingError),
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}
