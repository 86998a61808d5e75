//! The contracts of the ports.

mod accounts;
mod api_keys;
mod audit;
mod erasure;
mod factors;
mod foreign_rows;
mod guesses;
mod invitations;
mod jobs;
mod links;
mod members;
mod objects;
mod outbox;
mod requests;
mod signing_keys;
mod sync;
mod tasks;
mod tenancy;

pub use accounts::ACCOUNTS;
pub use api_keys::API_KEYS;
pub use audit::AUDIT;
pub use erasure::ERASURE;
pub use factors::FACTORS;
pub use foreign_rows::FOREIGN_ROWS;
pub use guesses::GUESSES;
pub use invitations::INVITATIONS;
pub use jobs::{JOB_CARE, JOBS};
pub use links::LINKS;
pub use members::MEMBERS;
pub use objects::{APPENDS, OBJECTS, ObjectWorld, UPLOADS};
pub use outbox::OUTBOX;
pub use requests::REQUESTS;
pub use signing_keys::SIGNING_KEYS;
pub use sync::{SYNC_FILES, SYNC_RUNS, SYNC_SESSIONS};
pub use tasks::{TASKS, TaskSubject, TaskWorld};
pub use tenancy::TENANCY;
