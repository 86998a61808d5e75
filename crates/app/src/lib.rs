//! The `tenantry` binary, as a library so that tests can start it in their own process.
//!
//! - [`settings`]: what the operator decides.
//! - [`cli`]: the command line; [`commands`]: what each command does; [`failure`]: why it did not, and the exit code.
//! - [`schema`]: its version, and how it changes.
//! - [`node`]: the parts of a process, joined; [`running`]: a node at work.
//! - [`logging`] and [`shutdown`]: what every long-running command needs.

pub mod cli;
pub mod commands;
pub mod failure;
pub mod logging;
pub mod node;
pub mod running;
pub mod schema;
pub mod settings;
pub mod shutdown;
