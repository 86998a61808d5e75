//! Tasks from Tenantry in a service that keeps everything in memory.
//!
//! Nothing of Tenantry's database or web framework comes along: what [`tenantry_tasks`] needs of the outside is a
//! [`Store`](tenantry_kernel::Store) of [`TaskTransaction`](tenantry_tasks::ports::TaskTransaction)s, and
//! [`MemoryStore`] is one. It passes the contract that Tenantry's own adapters pass; see `tests/contract.rs`.
//!
//! - [`MemoryStore`]: organisations, their members and units of work.
//! - `transaction`: the ports of tasks within one unit of work.
//! - `contents`: what one organisation has. `list`: which of its tasks, in which order.

mod contents;
mod list;
mod store;
mod transaction;

pub use store::MemoryStore;
