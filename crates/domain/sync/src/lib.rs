//! Sync: what brings the files of a folder into an object store.
//!
//! - [`objects`]: the port of an object store, and the values it speaks in.

#![warn(missing_docs)]

pub mod objects;
