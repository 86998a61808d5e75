//! The contracts of the ports.

mod accounts;
mod foreign_rows;
mod requests;
mod tasks;
mod tenancy;

pub use accounts::ACCOUNTS;
pub use foreign_rows::FOREIGN_ROWS;
pub use requests::REQUESTS;
pub use tasks::{TASKS, TaskSubject, TaskWorld};
pub use tenancy::TENANCY;
