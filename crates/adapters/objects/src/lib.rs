//! Objects: what is written to a bucket, or to a folder in the role of one.
//!
//! - [`FolderStore`]: a folder of this machine.
//! - [`S3Store`]: a bucket of Amazon S3, or of a store that speaks its protocol; [`HttpPool`] holds the connections.

mod folder;
mod s3;

pub use folder::{FolderError, FolderStore};
pub use s3::{
    Addressing, BodySigning, Encryption, HttpPool, HttpPoolOptions, Integrity, S3Credentials, S3Options, S3SetupError,
    S3Store,
};
