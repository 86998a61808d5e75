//! What the use cases that span domains need of the outside, besides the domains' own ports.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use tenantry_identity::{
    AuditEntry, InsertUserError, Password, PasswordHash, User,
    ports::{AuditTransaction, IdentityTransaction, RevocationRepository},
};
use tenantry_kernel::{
    JobId, JobLease, NewJob, OrganizationId, Page, PageRequest, Revision, StorageError, Transaction, UserId,
};
use tenantry_sync::ports::SyncTransaction;
use tenantry_tasks::ports::TaskTransaction;
use tenantry_tenancy::{
    Membership, Organization, OwnMembership,
    ports::{OwnMembershipsTransaction, TenancyTransaction},
};

pub use tenantry_identity::ports::Sealer;

use crate::{
    AuditLink, Chain, ClaimedJob, DirectoryFilter, HeldJob, IdempotencyKey, Job, JobEnd, JobFilter, JobRequest,
    JobRetention, ListedOrganization, ListedUser, PlatformStats, SealCheck, SealedHead, StoredRequest, TendedJobs,
};

/// A unit of work over the accounts and memberships of one organisation, such as the first of both.
pub trait MembersTransaction: IdentityTransaction + TenancyTransaction {
    /// The accounts of the members, for those who manage them.
    fn member_accounts(&mut self) -> &mut dyn MemberAccountRepository;
}

/// The accounts of the members of the context's organisation: what is done to them is done in their name, whoever acts.
#[async_trait]
pub trait MemberAccountRepository: Send {
    /// The member's account, unless it is deleted. It stays locked until the end of a transaction that may write.
    ///
    /// Whoever changes a membership begins with this, and finds the organisation next: account before organisation, so
    /// that no two transactions wait for each other, and neither is deleted meanwhile.
    async fn find(&mut self, id: UserId) -> Result<Option<User>, StorageError>;
    /// Stores the account of somebody new with its password; it becomes a member in the same transaction. E-mail
    /// addresses and usernames are unique among all accounts, by their keys.
    async fn insert(&mut self, user: &User, hash: &PasswordHash) -> Result<(), InsertUserError>;
    /// Replaces the member's account if its stored revision is still `expected`; tells whether it was.
    async fn update(&mut self, user: &User, expected: Revision) -> Result<bool, InsertUserError>;
    /// Whether the member also belongs to another organisation that is not deleted.
    async fn belongs_elsewhere(&mut self, id: UserId) -> Result<bool, StorageError>;
    /// Ends all of the member's live sessions at `at`.
    async fn end_sessions(&mut self, id: UserId, at: DateTime<Utc>) -> Result<(), StorageError>;
}

/// A unit of work over an account and its memberships.
pub trait SignInTransaction: IdentityTransaction + OwnMembershipsTransaction {}
impl<T: IdentityTransaction + OwnMembershipsTransaction> SignInTransaction for T {}

/// A unit of work that reads an account and its memberships at once.
pub trait ProfileTransaction: Transaction {
    /// Both.
    fn profiles(&mut self) -> &mut dyn ProfileRepository;
}

/// The actor's account beside its memberships.
#[async_trait]
pub trait ProfileRepository: Send {
    /// The account unless it is deleted, and its memberships in organisations that are not, the oldest first, at most
    /// 1,000.
    async fn find(&mut self, id: UserId) -> Result<Option<(User, Vec<OwnMembership>)>, StorageError>;
}

/// A unit of work over the projects of one organisation, the tasks in them and what they sync.
pub trait ProjectTransaction: TenancyTransaction + TaskTransaction + SyncTransaction {}
impl<T: TenancyTransaction + TaskTransaction + SyncTransaction> ProjectTransaction for T {}

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

/// A unit of work of the platform, over the accounts and organisations of all tenants.
pub trait PlatformTransaction: AuditTransaction {
    /// The accounts and organisations.
    fn directory(&mut self) -> &mut dyn PlatformDirectory;
    /// The access tokens that died early.
    fn revocations(&mut self) -> &mut dyn RevocationRepository;
    /// The background jobs.
    fn jobs(&mut self) -> &mut dyn JobRegister;
}

/// All accounts and organisations, deleted ones excepted. What a transaction that may write has found stays locked until
/// its end.
#[async_trait]
pub trait PlatformDirectory: Send {
    /// How much there is of everything at `now`.
    async fn stats(&mut self, now: DateTime<Utc>) -> Result<PlatformStats, StorageError>;
    /// The accounts that `filter` admits, the newest first.
    async fn list_users(
        &mut self,
        filter: &DirectoryFilter,
        page: &PageRequest,
    ) -> Result<Page<ListedUser>, StorageError>;
    /// The organisations that `filter` admits, the newest first.
    async fn list_organizations(
        &mut self,
        filter: &DirectoryFilter,
        page: &PageRequest,
    ) -> Result<Page<ListedOrganization>, StorageError>;
    /// The account.
    async fn find_user(&mut self, id: UserId) -> Result<Option<User>, StorageError>;
    /// Replaces the account, whose e-mail address and username stay, if its stored revision is still `expected`; tells
    /// whether it was.
    async fn update_user(&mut self, user: &User, expected: Revision) -> Result<bool, StorageError>;
    /// Ends all of the account's live sessions at `at`, and forgets the links that were mailed to it.
    async fn end_access(&mut self, id: UserId, at: DateTime<Utc>) -> Result<(), StorageError>;
    /// Whether another organisation than this one is open to the account.
    async fn is_at_home_elsewhere(&mut self, id: UserId, than: OrganizationId) -> Result<bool, StorageError>;
    /// The organisation.
    async fn find_organization(&mut self, id: OrganizationId) -> Result<Option<Organization>, StorageError>;
    /// Replaces the organisation, whose slug stays, if its stored revision is still `expected`; tells whether it was.
    async fn update_organization(
        &mut self,
        organization: &Organization,
        expected: Revision,
    ) -> Result<bool, StorageError>;
    /// Makes every access token for the organisation stale: each membership's epoch grows. Answers all of them.
    async fn renew_epochs(&mut self, id: OrganizationId, at: DateTime<Utc>) -> Result<Vec<Membership>, StorageError>;
}

/// What is done in the background: jobs of all kinds, the runs of sync sessions, and the mails that wait or could not be
/// sent. A run goes on where it ended if it is its session's latest.
#[async_trait]
pub trait JobRegister: Send {
    /// The jobs that `filter` admits, the newest first.
    async fn list(&mut self, filter: &JobFilter, page: &PageRequest) -> Result<Page<Job>, StorageError>;
    /// The job.
    async fn find(&mut self, id: JobId) -> Result<Option<Job>, StorageError>;
    /// Lets a job that failed for good or was cancelled wait again from `now`, as if never tried; tells whether it was so.
    async fn retry(&mut self, id: JobId, now: DateTime<Utc>) -> Result<bool, StorageError>;
    /// Cancels a job that waits at `now`, or asks the worker of one that is under way to end it; tells whether it did.
    /// A job whose worker was asked is never taken again, unless it ends otherwise before the worker hears of it. A mail
    /// that is being sent can't be cancelled.
    async fn cancel(&mut self, id: JobId, now: DateTime<Utc>) -> Result<bool, StorageError>;
}

/// Wakes the workers of a queue, wherever they are. They also look by themselves, so that a ring that nobody heard costs
/// time and nothing else.
pub trait JobBell: Send + Sync {
    /// There is something to do. Called after the commit.
    fn ring(&self, queue: &str);
}

/// The queue of background jobs, for those who do them. Times of leases and waits are by the store's clock, so that
/// workers need not agree on it.
#[async_trait]
pub trait JobQueue: Send + Sync {
    /// Asks for a job of the platform's own; tells whether it was new. One with a key that is taken changes nothing.
    async fn enqueue(&self, job: &NewJob) -> Result<bool, StorageError>;
    /// Takes jobs whose time has come. Organisations that wait take turns, and share what there is to take; within one,
    /// the highest priority comes first, and then the oldest. Of several workers exactly one gets a job.
    async fn claim(&self, request: &JobRequest<'_>) -> Result<Vec<ClaimedJob>, StorageError>;
    /// Holds on to jobs for `lease` from now; answers those that are still the worker's.
    async fn hold(&self, leases: &[JobLease], lease: Duration) -> Result<Vec<HeldJob>, StorageError>;
    /// Stores how attempts ended at `at`, in one transaction; answers those that were still the worker's. What it says
    /// of the others changes nothing.
    async fn settle(&self, ended: &[(JobLease, JobEnd)], at: DateTime<Utc>) -> Result<Vec<JobId>, StorageError>;
    /// Looks after the queue: jobs whose time has come may be taken, and jobs of workers that did not hold on to them
    /// are taken away. These wait the longer the more workers died over them, and after [`crate::MAX_JOB_CRASHES`] they
    /// have failed.
    async fn tend(&self, at: DateTime<Utc>) -> Result<TendedJobs, StorageError>;
    /// Removes jobs that were kept long enough, batch by batch; tells how many.
    async fn sweep(&self, retention: JobRetention) -> Result<u64, StorageError>;
}

/// A unit of work over the chains of all audit logs.
pub trait ArchiveTransaction: Transaction {
    /// The chains.
    fn archive(&mut self) -> &mut dyn AuditArchive;
}

/// A link, with the entry that it joins if that is still there.
#[derive(Debug, Clone, PartialEq)]
pub struct ChainedEntry {
    /// The link.
    pub link: AuditLink,
    /// The entry.
    pub entry: Option<AuditEntry>,
}

/// The chains of all audit logs. Every entry that is written waits until it is appended to the chain of its log.
#[async_trait]
pub trait AuditArchive: Send {
    /// Chains for which entries wait, at most `limit`.
    async fn waiting_chains(&mut self, limit: u16) -> Result<Vec<Chain>, StorageError>;
    /// The entries that wait for a chain, those written first before the others, at most `limit`.
    async fn waiting(&mut self, chain: Chain, limit: u16) -> Result<Vec<AuditEntry>, StorageError>;
    /// Adds links to a chain; their entries wait no more.
    async fn append(&mut self, chain: Chain, links: &[AuditLink]) -> Result<(), StorageError>;
    /// The end of a chain; in a transaction that may write it stays locked.
    async fn head(&mut self, chain: Chain) -> Result<Option<SealedHead>, StorageError>;
    /// The ends of the chains, in an order of the store's own, from behind the one named; at most `limit`.
    async fn heads(&mut self, after: Option<Chain>, limit: u16) -> Result<Vec<SealedHead>, StorageError>;
    /// Stores the end of a new chain; tells whether there was none.
    async fn insert_head(&mut self, head: &SealedHead) -> Result<bool, StorageError>;
    /// Replaces the end of a chain.
    async fn update_head(&mut self, head: &SealedHead) -> Result<(), StorageError>;
    /// The links of a chain in their order, those after a position, at most `limit`.
    async fn links(&mut self, chain: Chain, after: u64, limit: u16) -> Result<Vec<ChainedEntry>, StorageError>;
    /// Removes the links that the chain's stored head calls expired, and their entries: the one way in which an entry
    /// goes.
    async fn remove_expired(&mut self, chain: Chain) -> Result<(), StorageError>;
    /// How many chains there are, the census not counted.
    async fn count_chains(&mut self) -> Result<u64, StorageError>;
    /// How many entries of a chain's log neither are in it nor wait.
    async fn count_loose(&mut self, chain: Chain) -> Result<u64, StorageError>;
    /// How many entries wait that are not there.
    async fn count_lost(&mut self) -> Result<u64, StorageError>;
}

/// The cryptography of the audit log's chains.
pub trait AuditSeals: Send + Sync {
    /// The hash of a link: of the one before it, its position, and its entry. Needs no secret.
    fn link(&self, previous: &[u8; 32], position: u64, entry: &[u8]) -> [u8; 32];
    /// A code of the bytes that nobody makes without the secret.
    fn seal(&self, bytes: &[u8]) -> [u8; 32];
    /// Whether `seal` is the bytes' code.
    fn check(&self, bytes: &[u8], seal: &[u8; 32]) -> SealCheck;
}

/// How far a purge goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PurgeLimits {
    /// The time: what expired by then is removed.
    pub now: DateTime<Utc>,
    /// Accounts and organisations that were deleted by then are erased.
    pub erase_deleted_by: DateTime<Utc>,
    /// Runs that ended by then are removed, but for the latest one of each sync session.
    pub runs_ended_by: DateTime<Utc>,
}

impl PurgeLimits {
    /// What has expired by `now`, and nothing that is kept for a while.
    #[must_use]
    pub fn expired_by(now: DateTime<Utc>) -> Self {
        Self { now, erase_deleted_by: DateTime::UNIX_EPOCH, runs_ended_by: DateTime::UNIX_EPOCH }
    }
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
    /// Mails, sent or not.
    pub mails: u64,
    /// Links in mails.
    pub links: u64,
    /// Invitations, accepted or not.
    pub invitations: u64,
    /// Buckets of guesses.
    pub guesses: u64,
    /// Runs of sync sessions, and direct uploads.
    pub runs: u64,
    /// Accounts that were erased.
    pub accounts: u64,
    /// Organisations that were erased.
    pub organizations: u64,
}

/// Removes what nobody needs any more, across all tenants.
#[async_trait]
pub trait Housekeeping: Send + Sync {
    /// Removes what has expired: login sessions (ended ones when they would have expired), idempotent requests,
    /// revocations, mails, mailed links, invitations, buckets of guesses. Removes runs that ended long enough ago, but
    /// for the latest one of each sync session, which says how the session is. Erases accounts that were deleted long enough ago, once each: nothing of
    /// the person stays, the e-mail address and the username are free again, and the row remains for those that refer
    /// to it. Erases organisations likewise, with everything in them but their audit logs. In batches, so that no lock is
    /// held for long.
    async fn purge(&self, limits: PurgeLimits) -> Result<PurgeReport, StorageError>;
}

/// Makes passwords that people replace when they first sign in.
pub trait OneTimePasswords: Send + Sync {
    /// A random password of at least 100 bits.
    fn generate(&self) -> Password;
}
