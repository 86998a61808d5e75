//! Objects: what is written to a bucket, or to a folder in the role of one.
//!
//! - [`FolderStore`]: a folder of this machine.
//! - [`crc64`] and [`combine`]: the checksum that stores compare.

mod checksum;
mod folder;

pub use checksum::{combine, crc64};
pub use folder::{FolderError, FolderStore};
