//! Background jobs as workers see them.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;
use tenantry_kernel::{JobId, JobLease, OrganizationId, UserId};

/// The queue of the runs of sync sessions, and what they are called in the list of jobs.
pub const RUN_QUEUE: &str = "sync";
/// The kind of these runs.
pub const RUN_KIND: &str = "sync.run";
/// The queue of mails, which is the outbox.
pub const MAIL_QUEUE: &str = "mail";
/// The kind of mails.
pub const MAIL_KIND: &str = "mail.send";

/// How many workers die over a job before it is given up.
pub const MAX_JOB_CRASHES: u16 = 5;

/// What a worker asks of the queue.
#[derive(Debug, Clone, Copy)]
pub struct JobRequest<'r> {
    /// Which queue's jobs.
    pub queue: &'r str,
    /// Who asks: a name that no other worker ever had.
    pub worker: &'r str,
    /// How many jobs at most.
    pub most: u16,
    /// How many jobs of one organisation the workers of the queue have at the same time, all together; none for any
    /// number.
    pub most_of_one: Option<u16>,
    /// For how long they are the worker's.
    pub lease: Duration,
    /// The time.
    pub at: DateTime<Utc>,
}

/// A job that a worker has taken.
#[derive(Debug, Clone, PartialEq)]
pub struct ClaimedJob {
    /// The right to work on it.
    pub lease: JobLease,
    /// Whose it is; none for the platform's own.
    pub organization_id: Option<OrganizationId>,
    /// In whose name it is done, if in anybody's.
    pub user_id: Option<UserId>,
    /// What kind of work it is.
    pub kind: String,
    /// What its handler needs to know.
    pub payload: Value,
    /// The number of this attempt, from 1. Attempts that died with their worker don't count.
    pub attempt: u32,
    /// How often it is tried at most.
    pub max_attempts: u32,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobEnd {
    /// The work is done.
    Done,
    /// It failed, and is to be tried again.
    Again {
        /// After so long.
        wait: Duration,
        /// Why it failed.
        error: String,
    },
    /// It failed for good.
    Failed {
        /// Why.
        error: String,
    },
    /// Somebody cancelled it, and it stopped.
    Cancelled,
    /// The worker had to stop. Another one begins anew, and the attempt doesn't count.
    Released,
}

/// What a worker learns of a job that is still its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeldJob {
    /// The job.
    pub job_id: JobId,
    /// Whether somebody has cancelled it.
    pub cancel_requested: bool,
}

/// What was found when the queue was looked after.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TendedJobs {
    /// Queues that have jobs now which waited for their time, or for another worker.
    pub queues: Vec<String>,
    /// Jobs that were taken from workers which did not hold on to them, those given up among them.
    pub lost: u64,
    /// Jobs over which too many workers died.
    pub given_up: u64,
    /// How long until the next job's time comes, if one waits for it.
    pub next: Option<Duration>,
}

/// Until when jobs that have ended are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobRetention {
    /// Those done and cancelled are removed that ended before.
    pub ended_by: DateTime<Utc>,
    /// So are those that failed before.
    pub failed_by: DateTime<Utc>,
}
