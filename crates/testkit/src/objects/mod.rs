//! Object stores for tests: one in memory, one that fails as it is told to, and servers that speak the protocol of S3.

mod bridge;
mod faults;
mod hooks;
mod memory;
mod s3s_fs;
mod server;
#[cfg(test)]
mod tests;

pub use faults::{Around, AroundStore, Call, Failure, Fault, Faults, FaultyStore, Operation};
pub use hooks::{HookedStore, Hooks, Seen};
pub use memory::{Calls, MemoryStore};
pub use s3s_fs::{S3S_FS_OBJECTS, S3S_FS_UPLOADS};
pub use server::{ACCESS_KEY, BUCKET, S3Server, SECRET_KEY};
