//! Moves the files of a folder into an object store.
//!
//! - [`engine`]: does the runs of sync sessions.
//! - [`source`]: the folder that files come from: which may be read, what is in it, and reading it.

pub mod engine;
pub mod source;
