//! Moves the files of a folder into an object store.
//!
//! - [`checksum`]: the checksum of bytes, in one go, piece by piece, and of parts put together.

pub mod checksum;
