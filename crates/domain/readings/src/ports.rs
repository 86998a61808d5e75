//! What readings need of the outside, besides the [providers](crate::Provider).
//!
//! A transaction begun for a [`TenantContext`](tenantry_tenancy::TenantContext) sees and changes what belongs to that
//! organisation only. Workers begin theirs for a [`PlatformContext`](tenantry_identity::PlatformContext), since they
//! write down the answers of all organisations, and must also be able to settle those of members who have left.
//! What a transaction that may write has found stays locked until its end.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use tenantry_identity::ports::AuditTransaction;
use tenantry_kernel::{JobTransaction, OrganizationId, Page, PageRequest, Revision, StorageError, UserId};

use crate::{
    Account, AdvisorId, Budget, Chunk, Discrepancy, OwnAdvisor, OwnBudget, Reading, ReadingFilter, ReadingId,
    Reservation, Sequence, Settlement, Spent, UsageItem,
};

/// A unit of work over readings and what they cost.
pub trait ReadingTransaction: JobTransaction + AuditTransaction {
    /// The readings.
    fn readings(&mut self) -> &mut dyn ReadingRepository;
    /// Their answers, piece by piece.
    fn log(&mut self) -> &mut dyn ReadingLog;
    /// What they cost.
    fn ledger(&mut self) -> &mut dyn Ledger;
    /// The organisation's own advisors.
    fn advisors(&mut self) -> &mut dyn AdvisorRepository;
}

/// Readings.
#[async_trait]
pub trait ReadingRepository: Send {
    /// The reading.
    async fn find(&mut self, id: ReadingId) -> Result<Option<Reading>, StorageError>;
    /// A member's readings that `filter` admits, the newest first.
    async fn list(
        &mut self,
        user_id: UserId,
        filter: &ReadingFilter,
        page: &PageRequest,
    ) -> Result<Page<Reading>, StorageError>;
    /// Stores a new reading; tells whether its id was new. A known id changes nothing.
    async fn insert(&mut self, reading: &Reading) -> Result<bool, StorageError>;
    /// Replaces what may change of the reading if its stored revision is still `expected`; tells whether it was. Whether
    /// it is to stop and who listens stay as they are stored.
    async fn update(&mut self, reading: &Reading, expected: Revision) -> Result<bool, StorageError>;
    /// Deletes the reading and its log if its stored revision is still `expected`; tells whether it was.
    async fn delete(&mut self, id: ReadingId, expected: Revision) -> Result<bool, StorageError>;
    /// The latest complete answer to the same question of the context's organisation, asked at `since` or later.
    async fn find_answer(&mut self, digest: &[u8], since: DateTime<Utc>) -> Result<Option<Reading>, StorageError>;
    /// Asks whoever answers the reading to stop.
    async fn request_stop(&mut self, id: ReadingId) -> Result<(), StorageError>;
    /// Says that somebody listens until then, if it matters.
    async fn hear_until(&mut self, id: ReadingId, until: DateTime<Utc>) -> Result<(), StorageError>;
    /// Which of these readings are to stop: because somebody asked for it, or because nobody listens at `now` to one
    /// that somebody has to listen to.
    async fn to_stop(&mut self, ids: &[ReadingId], now: DateTime<Utc>) -> Result<Vec<ReadingId>, StorageError>;
    /// Some of the readings that should have been over before `time` and are not, the oldest first.
    async fn overdue(&mut self, time: DateTime<Utc>, limit: u16) -> Result<Vec<ReadingId>, StorageError>;
}

/// Pieces that are to be written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Of which organisation's reading.
    pub organization_id: OrganizationId,
    /// Of which reading.
    pub reading_id: ReadingId,
    /// Which the reading has to have still: that of whoever answers it.
    pub revision: Revision,
    /// The pieces.
    pub chunks: Vec<Chunk>,
}

/// The answers of readings, piece by piece, append-only.
#[async_trait]
pub trait ReadingLog: Send {
    /// Appends to the logs of readings that are still at the revision; answers those that are not, whose pieces are left
    /// out. Pieces that are there already stay as they are.
    async fn append(&mut self, entries: &[Entry]) -> Result<Vec<ReadingId>, StorageError>;
    /// At most `limit` pieces of a reading behind `after`, in their order.
    async fn read(&mut self, id: ReadingId, after: Sequence, limit: u16) -> Result<Vec<Chunk>, StorageError>;
}

/// Which days usage is wanted of, and whose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UsageFilter {
    /// A member's; none for the whole organisation's.
    pub user_id: Option<UserId>,
    /// The first day, in UTC.
    pub from: NaiveDate,
    /// The last day.
    pub to: NaiveDate,
}

/// What readings cost: rows that are only ever added, and the sums that they come to.
#[async_trait]
pub trait Ledger: Send {
    /// What the organisation has limited itself to; none if nobody ever did.
    async fn budget(&mut self) -> Result<Option<OwnBudget>, StorageError>;
    /// Stores that, if what is stored is still at the revision `expected`, or nothing is if none is expected; tells
    /// whether it was so.
    async fn put_budget(&mut self, budget: &OwnBudget, expected: Option<Revision>) -> Result<bool, StorageError>;
    /// Puts money aside, if none of the reading's [accounts](Account::of) then goes beyond its limit in `budget`; tells
    /// whether it did. If not, nothing else can be done in the transaction.
    async fn reserve(&mut self, reservation: &Reservation, budget: &Budget) -> Result<bool, StorageError>;
    /// Books what a reading cost in place of what was put aside for it; tells whether that was the first time. A second
    /// time changes nothing.
    async fn settle(&mut self, settlement: &Settlement) -> Result<bool, StorageError>;
    /// What the organisation's account stands at.
    async fn spent(&mut self, account: &Account) -> Result<Spent, StorageError>;
    /// What was spent, by day, advisor and model, in that order.
    async fn usage(&mut self, filter: &UsageFilter) -> Result<Vec<UsageItem>, StorageError>;
    /// Sums of all organisations in reach that are not what their rows come to; with `mend`, they are once this is
    /// committed.
    async fn reconcile(&mut self, mend: bool) -> Result<Vec<Discrepancy>, StorageError>;
}

/// An advisor could not be stored.
#[derive(Debug, thiserror::Error)]
pub enum InsertAdvisorError {
    /// Another one of the organisation's has the name; nothing else can be done in the transaction.
    #[error("the name is taken")]
    Taken,
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// The advisors of the context's organisation.
#[async_trait]
pub trait AdvisorRepository: Send {
    /// The advisor.
    async fn find(&mut self, id: &AdvisorId) -> Result<Option<OwnAdvisor>, StorageError>;
    /// All of them, by name.
    async fn list(&mut self) -> Result<Vec<OwnAdvisor>, StorageError>;
    /// Stores a new one.
    async fn insert(&mut self, advisor: &OwnAdvisor) -> Result<(), InsertAdvisorError>;
    /// Replaces the advisor if its stored revision is still `expected`; tells whether it was.
    async fn update(&mut self, advisor: &OwnAdvisor, expected: Revision) -> Result<bool, StorageError>;
    /// Deletes the advisor if its stored revision is still `expected`; tells whether it was.
    async fn delete(&mut self, id: &AdvisorId, expected: Revision) -> Result<bool, StorageError>;
}

/// How much an organisation may ask within a minute.
#[async_trait]
pub trait AskingLimits: Send + Sync {
    /// Counts a question, and the tokens that it may take. Refused, it counts nothing, and tells when to come again.
    async fn take(&self, organization_id: OrganizationId, tokens: u64) -> Result<(), Duration>;
}

/// What is going on with readings that are being answered by this process or others.
#[async_trait]
pub trait LiveReadings: Send + Sync {
    /// The pieces behind `after` that this process has written down and still knows. None if it doesn't answer the
    /// reading, so that only the store can tell.
    fn recall(&self, id: ReadingId, after: Sequence) -> Option<Vec<Chunk>>;
    /// Completes as soon as there may be something behind `after`, or the reading may be over; at the latest after a
    /// while, since it may be answered elsewhere.
    async fn stirred(&self, id: ReadingId, after: Sequence);
    /// Completes as soon as the reading may be over; at the latest after a while.
    async fn ended(&self, id: ReadingId);
    /// Says that something has happened to a reading that this process did not answer.
    fn stir(&self, id: ReadingId);
}
