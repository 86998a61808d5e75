//! What the use cases that span domains need of the outside, besides the domains' own ports.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use tenantry_identity::{Password, ports::IdentityTransaction};
use tenantry_kernel::{StorageError, Transaction};
use tenantry_tenancy::ports::{OwnMembershipsTransaction, TenancyTransaction};

use crate::{IdempotencyKey, StoredRequest};

/// A unit of work over the accounts and memberships of one organisation, such as the first of both.
pub trait MembersTransaction: IdentityTransaction + TenancyTransaction {}
impl<T: IdentityTransaction + TenancyTransaction> MembersTransaction for T {}

/// A unit of work over an account and its memberships.
pub trait SignInTransaction: IdentityTransaction + OwnMembershipsTransaction {}
impl<T: IdentityTransaction + OwnMembershipsTransaction> SignInTransaction for T {}

/// A unit of work over the actor's idempotent requests.
pub trait IdempotencyTransaction: Transaction {
    /// The requests.
    fn requests(&mut self) -> &mut dyn RequestRepository;
}

/// The idempotent requests of the actor, by key. What a transaction that may write has found stays locked until its end.
#[async_trait]
pub trait RequestRepository: Send {
    /// The request, expired ones included.
    async fn find(&mut self, key: &IdempotencyKey) -> Result<Option<StoredRequest>, StorageError>;
    /// Stores a new request; tells whether its key was new. A known key changes nothing.
    async fn insert(&mut self, request: &StoredRequest) -> Result<bool, StorageError>;
    /// Replaces the request with this key.
    async fn update(&mut self, request: &StoredRequest) -> Result<(), StorageError>;
    /// Forgets the request with this key.
    async fn delete(&mut self, key: &IdempotencyKey) -> Result<(), StorageError>;
}

/// Looks across all accounts for a platform administrator.
#[async_trait]
pub trait AdministratorLookup: Send + Sync {
    /// Whether any account that is not deleted administers the platform.
    async fn any_exists(&self) -> Result<bool, StorageError>;
}

/// How far a purge goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PurgeLimits {
    /// The time: what expired by then is removed.
    pub now: DateTime<Utc>,
    /// Accounts that were deleted by then are erased.
    pub erase_deleted_by: DateTime<Utc>,
}

/// How many rows a purge removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PurgeReport {
    /// Login sessions.
    pub sessions: u64,
    /// Idempotent requests.
    pub requests: u64,
    /// Revocations.
    pub revocations: u64,
    /// Accounts that were erased.
    pub accounts: u64,
}

/// Removes what nobody needs any more, across all tenants.
#[async_trait]
pub trait Housekeeping: Send + Sync {
    /// Removes what has expired: login sessions (ended ones when they would have expired), idempotent requests,
    /// revocations. Erases accounts that were deleted long enough ago, once each: nothing of the person stays, the
    /// e-mail address and the username are free again, and the row remains for those that refer to it. In batches, so
    /// that no lock is held for long.
    async fn purge(&self, limits: PurgeLimits) -> Result<PurgeReport, StorageError>;
}

/// Encrypts what is kept of clients' data, and notices when it was changed.
pub trait Sealer: Send + Sync {
    /// Encrypts `plain`; it can be opened with the same `context` only.
    fn seal(&self, plain: &[u8], context: &[u8]) -> Vec<u8>;
    /// What was sealed, unless it or its context was changed.
    fn open(&self, sealed: &[u8], context: &[u8]) -> Option<Vec<u8>>;
}

/// Makes passwords that people replace when they first sign in.
pub trait OneTimePasswords: Send + Sync {
    /// A random password of at least 100 bits.
    fn generate(&self) -> Password;
}
