//! The contracts of the ports.

mod accounts;
mod requests;
mod tasks;
mod tenancy;

pub use accounts::ACCOUNTS;
pub use requests::REQUESTS;
pub use tasks::{TASKS, TaskSubject, TaskWorld};
pub use tenancy::TENANCY;
