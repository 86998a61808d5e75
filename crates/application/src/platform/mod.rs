//! Administering the platform: what a few people may see and decide across all organisations.

mod administration;
mod directory;
mod jobs;

pub use administration::{PlatformAdministration, PlatformError};
pub use directory::{DirectoryFilter, ListedOrganization, ListedUser, PlatformStats};
pub use jobs::{Job, JobError, JobFilter, JobState, JobStateError, Jobs};
