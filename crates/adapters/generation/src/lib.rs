//! Answers readings.
//!
//! - [`Generator`]: asks the providers of one reading after the other, writes down what they say, and ends it.
//! - [`queue`]: the queue of readings, for a worker.
//! - [`LiveHub`]: what is being answered by this process, for those who follow.
//! - [`GenerationOptions`]: how long, how often, how much.
//!
//! Nothing is shown to anybody before it is stored, so what was seen once can be read again, whatever dies. Pieces of many
//! readings that come at about the same time are stored together. No connection to the database is held while a
//! provider is waited for, and no follower is.

mod asking;
mod breaker;
mod generator;
mod hub;
mod job;
mod options;
mod scribe;
mod writing;

#[cfg(test)]
mod tests;

pub use generator::{Generator, StopSignal};
pub use hub::LiveHub;
pub use job::queue;
pub use options::GenerationOptions;
