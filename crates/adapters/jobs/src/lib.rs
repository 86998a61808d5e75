//! Background work.
//!
//! apalis is the doorbell: a row in its queue wakes one worker of however many there are. What there is to do, and how
//! far it got, is in the tables of the domains, so that a lost or repeated ring costs time and never data.
//!
//! - [`QueueDatabase`], [`migrate`]: the queue's own tables.
//! - [`Worker`]: rings on a schedule, runs the jobs, and starts again after a failure.
//! - [`JobsOptions`]: how often.
//! - [`Register`]: lists, retries and cancels jobs.
//!
//! A worker also sends the mails that wait in the outbox, and chains the entries that wait in the audit log; both are
//! queues of their own. And it looks after the keys of access tokens.
//!
//! The job there is, `purge`, removes what has expired and erases accounts that were deleted long enough ago.

mod audit;
mod database;
mod error;
mod keys;
mod migrate;
mod options;
mod post;
mod purge;
mod queue;
mod register;
mod schedule;
mod worker;

pub use database::QueueDatabase;
pub use error::JobsError;
pub use migrate::migrate;
pub use options::JobsOptions;
pub use register::Register;
pub use worker::Worker;

#[cfg(test)]
mod tests;
