//! Background work.
//!
//! - [`Worker`]: does the jobs of the main queue and of further [`Queue`]s, looks after it, and starts what is due regularly.
//! - [`JobHandler`], [`JobHandlers`]: who does which kind of job; [`JobRun`], [`JobFailure`]: what it is given and answers.
//! - [`Doorbell`]: wakes workers here and in other processes, along a [`Line`]: [`PostgresLine`] or [`RedisLine`].
//! - [`JobsOptions`]: how much, and how often.
//!
//! A worker also sends the mails that wait in the outbox, and chains the entries that wait in the audit log; both are
//! queues of their own. And it looks after the keys of access tokens.
//!
//! The job that is here, `tenantry.purge`, removes what has expired and erases accounts that were deleted long enough ago.

mod audit;
mod care;
mod doorbell;
mod handlers;
mod keys;
mod options;
mod pool;
mod post;
mod purge;
mod schedule;
mod worker;

pub use doorbell::{Courier, Doorbell, EVERY_QUEUE, Line, LineError, PostgresLine, RedisLine};
pub use handlers::{JobFailure, JobHandler, JobHandlers, JobRun, JobSignal, JobWaits};
pub use options::JobsOptions;
pub use worker::{MAIN_QUEUE, Queue, Worker, WorkerParts};

#[cfg(test)]
mod tests;
