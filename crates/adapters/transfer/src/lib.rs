//! Moves the files of a folder into an object store.
//!
//! - [`engine`]: does the runs of sync sessions.

pub mod engine;
