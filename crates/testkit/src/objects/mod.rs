//! Object stores for tests: one in memory, one that fails as it is told to, and servers that speak the protocol of S3.

mod faults;
mod memory;
#[cfg(test)]
mod tests;

pub use faults::{Call, Failure, Fault, FaultyStore, Operation};
pub use memory::{Calls, MemoryStore};
