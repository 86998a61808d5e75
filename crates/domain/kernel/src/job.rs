use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::{IdGenerator, OrganizationId, StorageError, Transaction, UserId};

crate::typed_id! {
    /// Names a job. Later ones sort behind earlier ones.
    JobId
}

/// A kind of work that is done in the background, as code declares it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobKind {
    /// Its name, such as `tenantry.purge`, by which a worker finds who does it.
    pub name: &'static str,
    /// The queue that its jobs wait in. Each queue has workers of its own.
    pub queue: &'static str,
    /// How often a job is tried before it has failed for good; at least once.
    pub max_attempts: u16,
}

/// What comes first of the jobs of one organisation. Between organisations it decides nothing: they take turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum JobPriority {
    /// When nothing else is to be done.
    Low,
    /// In the order of arrival.
    #[default]
    Normal,
    /// Before the others.
    High,
}

/// Keeps a job from being there twice: of those of one organisation and kind that share a key, one is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobKey {
    /// Until the job has ended.
    Active(String),
    /// For as long as it is known, which is longer.
    Once(String),
}

impl JobKey {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Active(text) | Self::Once(text) => text,
        }
    }
}

/// Work that is to be done in the background, once the transaction that asks for it is committed.
#[derive(Debug, Clone, PartialEq)]
pub struct NewJob {
    /// Names it.
    pub id: JobId,
    /// Whose it is; none for the platform's own.
    pub organization_id: Option<OrganizationId>,
    /// In whose name it is done, if in anybody's.
    pub user_id: Option<UserId>,
    /// What kind of work it is.
    pub kind: JobKind,
    /// What its handler needs to know. It names things by their ids and holds no secrets.
    pub payload: Value,
    /// What it comes before.
    pub priority: JobPriority,
    /// Not to be done before; none for at once.
    pub run_at: Option<DateTime<Utc>>,
    /// What keeps it from being there twice.
    pub key: Option<JobKey>,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
}

impl NewJob {
    /// A job of the platform's own, to be done at once.
    #[must_use]
    pub fn of_platform(kind: JobKind, payload: Value, now: DateTime<Utc>, ids: &dyn IdGenerator) -> Self {
        Self {
            id: JobId::generate(ids),
            organization_id: None,
            user_id: None,
            kind,
            payload,
            priority: JobPriority::default(),
            run_at: None,
            key: None,
            created_at: now,
        }
    }

    /// The same, for an organisation, in the name of one of its users.
    #[must_use]
    pub fn of(self, organization_id: OrganizationId, user_id: UserId) -> Self {
        Self { organization_id: Some(organization_id), user_id: Some(user_id), ..self }
    }

    /// The same, which is there once.
    #[must_use]
    pub fn keyed(self, key: JobKey) -> Self {
        Self { key: Some(key), ..self }
    }

    /// The same, before or behind others of its organisation.
    #[must_use]
    pub fn with_priority(self, priority: JobPriority) -> Self {
        Self { priority, ..self }
    }

    /// The same, not before `time`.
    #[must_use]
    pub fn not_before(self, time: DateTime<Utc>) -> Self {
        Self { run_at: Some(time), ..self }
    }
}

/// A worker's right to a job. What is written under one that was lost changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct JobLease {
    /// The job.
    pub job_id: JobId,
    /// Grows with every worker that takes the job, so that an earlier one's writes are told apart and refused.
    pub epoch: i64,
}

/// A unit of work that asks for jobs, or does one.
pub trait JobTransaction: Transaction {
    /// The jobs.
    fn jobs(&mut self) -> &mut dyn JobRepository;
}

/// The jobs of the context's organisation. What is asked for is there once the transaction is committed, and then wakes
/// those who do it.
#[async_trait]
pub trait JobRepository: Send {
    /// Asks for a job; tells whether it was new. One with a key that is taken changes nothing.
    async fn enqueue(&mut self, job: &NewJob) -> Result<bool, StorageError>;
    /// Tells whether a worker still has the job, and keeps it so until the end of the transaction: the first thing in
    /// each transaction that stores what a job did.
    async fn hold(&mut self, lease: JobLease) -> Result<bool, StorageError>;
    /// Ends the job as done, together with what the transaction stores of it; tells whether the worker still had it.
    async fn finish(&mut self, lease: JobLease, at: DateTime<Utc>) -> Result<bool, StorageError>;
}
