//! The contracts of the ports.

mod accounts;
mod erasure;
mod foreign_rows;
mod requests;
mod tasks;
mod tenancy;

pub use accounts::ACCOUNTS;
pub use erasure::ERASURE;
pub use foreign_rows::FOREIGN_ROWS;
pub use requests::REQUESTS;
pub use tasks::{TASKS, TaskSubject, TaskWorld};
pub use tenancy::TENANCY;
