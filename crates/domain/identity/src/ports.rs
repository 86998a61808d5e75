//! What identity needs of the outside.
//!
//! A transaction begun for an [`Actor`](crate::Actor) sees and changes that user's own rows only. What a transaction
//! that may write has found stays locked until its end, so that what is decided on it still holds when it is stored.
//!
//! The ports under "before anyone is known" are bound to no one; they are few, read-only, and serve sign-in and
//! token checks.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use tenantry_kernel::{Revision, StorageError, Transaction, UserId};

use crate::{
    AccessClaims, AccessTokenError, InsertUserError, Liveness, LoginIdentifier, Password, PasswordAttempt,
    PasswordHash, RefreshClaims, Revocation, Session, SessionId, User,
};

/// A unit of work over one account.
pub trait IdentityTransaction: Transaction {
    /// The accounts.
    fn users(&mut self) -> &mut dyn UserRepository;
    /// Their passwords.
    fn credentials(&mut self) -> &mut dyn CredentialRepository;
    /// Their login sessions.
    fn sessions(&mut self) -> &mut dyn SessionRepository;
    /// The access tokens that died early.
    fn revocations(&mut self) -> &mut dyn RevocationRepository;
}

/// The accounts that the transaction's context may see: the actor's own, and in a tenant's transaction those of
/// the organisation's members.
#[async_trait]
pub trait UserRepository: Send {
    /// The account, deleted ones included.
    async fn find(&mut self, id: UserId) -> Result<Option<User>, StorageError>;
    /// Stores a new account. E-mail addresses and usernames are unique among all accounts, by their keys.
    async fn insert(&mut self, user: &User) -> Result<(), InsertUserError>;
    /// Replaces the account if its stored revision is still `expected`; tells whether it was.
    async fn update(&mut self, user: &User, expected: Revision) -> Result<bool, InsertUserError>;
    /// Notes a sign-in; the revision grows by one.
    async fn record_login(&mut self, id: UserId, at: DateTime<Utc>) -> Result<(), StorageError>;
}

/// The stored passwords of the accounts that the context may change.
#[async_trait]
pub trait CredentialRepository: Send {
    /// The hash of the actor's own password.
    async fn find(&mut self, id: UserId) -> Result<Option<PasswordHash>, StorageError>;
    /// Stores the account's first password.
    async fn insert(&mut self, id: UserId, hash: &PasswordHash, at: DateTime<Utc>) -> Result<(), StorageError>;
    /// Replaces the account's password.
    async fn update(&mut self, id: UserId, hash: &PasswordHash, at: DateTime<Utc>) -> Result<(), StorageError>;
}

/// The login sessions of the actor.
#[async_trait]
pub trait SessionRepository: Send {
    /// The session, ended ones included.
    async fn find(&mut self, id: SessionId) -> Result<Option<Session>, StorageError>;
    /// The sessions that are live at `now`, the newest first, at most 100.
    async fn list_live(&mut self, now: DateTime<Utc>) -> Result<Vec<Session>, StorageError>;
    /// Stores a new session.
    async fn insert(&mut self, session: &Session) -> Result<(), StorageError>;
    /// Stores a rotated session if its stored generation is still `expected` and it is not revoked; tells whether
    /// it was. Of any number of concurrent calls with the same expectation exactly one succeeds.
    async fn rotate(&mut self, session: &Session, expected: i64) -> Result<bool, StorageError>;
    /// Ends one session at `at`; tells whether it was live.
    async fn revoke(&mut self, id: SessionId, at: DateTime<Utc>) -> Result<bool, StorageError>;
    /// Ends all of the actor's live sessions but `kept` at `at`, and names them.
    async fn revoke_all(&mut self, kept: Option<SessionId>, at: DateTime<Utc>) -> Result<Vec<SessionId>, StorageError>;
}

/// The log of revocations that every node follows.
#[async_trait]
pub trait RevocationRepository: Send {
    /// Appends revocations.
    async fn insert(&mut self, revocations: &[Revocation]) -> Result<(), StorageError>;
}

// Before anyone is known.

/// Finds the account that somebody wants to sign in to.
#[async_trait]
pub trait CredentialLookup: Send + Sync {
    /// The account with this e-mail address or username and its password's hash. Deleted accounts are absent.
    async fn find(&self, identifier: &LoginIdentifier) -> Result<Option<(User, PasswordHash)>, StorageError>;
}

/// Reads the log of revocations of all accounts.
#[async_trait]
pub trait RevocationFeed: Send + Sync {
    /// The revocations that occurred at `since` or later, or all that are kept.
    async fn since(&self, since: Option<DateTime<Utc>>) -> Result<Vec<Revocation>, StorageError>;
}

/// Checks one access token against the database, for when the list in memory is too old.
#[async_trait]
pub trait LivenessLookup: Send + Sync {
    /// Whether the token's session, account and membership still are what it says.
    async fn find(&self, claims: &AccessClaims) -> Result<Liveness, StorageError>;
}

// Cryptography.

/// What verifying a password found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verification {
    /// The password is right.
    Match,
    /// The password is right, and its hash should be replaced by one of the current scheme and cost.
    MatchRehash,
    /// The password is wrong, or there is no such account.
    Mismatch,
}

/// A password could not be hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HashingError {
    /// Too many are waiting already.
    #[error("password hashing is busy")]
    Busy {
        /// When a try is likely to succeed, in seconds.
        retry_after_seconds: u64,
    },
    /// The hasher failed or was shut down.
    #[error("password hashing failed")]
    Failed,
}

/// Hashes passwords slowly, on threads of its own.
#[async_trait]
pub trait PasswordHasher: Send + Sync {
    /// Hashes a new password with a new salt.
    async fn hash(&self, password: &Password) -> Result<PasswordHash, HashingError>;
    /// Compares an attempt with a stored hash. Without a hash it does the same work and answers
    /// [`Verification::Mismatch`], so that an unknown account takes as long as a wrong password.
    async fn verify(
        &self,
        attempt: &PasswordAttempt,
        hash: Option<&PasswordHash>,
    ) -> Result<Verification, HashingError>;
}

/// Signs and checks access tokens.
pub trait AccessTokens: Send + Sync {
    /// The signed token (RFC 7519).
    fn issue(&self, claims: &AccessClaims) -> String;
    /// What the token says at `now`, if it is ours; without leeway.
    ///
    /// # Errors
    /// [`AccessTokenError`] tells an expired token from a forged one.
    fn verify(&self, token: &str, now: DateTime<Utc>) -> Result<AccessClaims, AccessTokenError>;
}

/// Derives and checks refresh tokens.
pub trait RefreshTokens: Send + Sync {
    /// The token; the same claims always give the same one.
    fn issue(&self, claims: &RefreshClaims) -> String;
    /// What the token says, if it is ours.
    fn verify(&self, token: &str) -> Option<RefreshClaims>;
}
