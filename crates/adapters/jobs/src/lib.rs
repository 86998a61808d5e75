//! Background work.
//!
//! apalis is the doorbell: a row in its queue wakes one worker of however many there are. What there is to do, and how
//! far it got, is in the tables of the domains, so that a lost or repeated ring costs time and never data.
//!
//! - [`QueueDatabase`], [`migrate`]: the queue's own tables.
//! - [`Worker`]: rings on a schedule, runs the jobs, and starts again after a failure.
//! - [`JobsOptions`]: how often.
//!
//! The job there is, `purge`, removes what has expired and erases accounts that were deleted long enough ago.

mod database;
mod error;
mod migrate;
mod options;
mod purge;
mod queue;
mod schedule;
mod worker;

pub use database::QueueDatabase;
pub use error::JobsError;
pub use migrate::migrate;
pub use options::JobsOptions;
pub use worker::Worker;

#[cfg(test)]
mod tests;
