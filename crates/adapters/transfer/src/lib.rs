//! Moves the files of a folder into an object store.
//!
//! - [`engine`]: does the runs of sync sessions.
//! - [`checksum`]: the checksum of bytes, in one go, piece by piece, and of parts put together.
//! - [`source`]: the folder that files come from: which may be read, what is in it, and reading it.

pub mod checksum;
pub mod engine;
pub mod source;
