//! Runs: what a session does when it is started. A run is what the API calls a job.

mod entity;
mod file;
mod lease;
mod service;

pub use entity::{
    Destination, Progress, Run, RunMode, RunModeError, RunState, RunStateError, RunSummary, Warning, WarningKind,
};
pub use entity::{RunEnd, RunId, deletions_allowed};
pub use file::{
    FileFilter, FileIdentity, FileOutcome, FileRecord, FileRecordId, FileResult, FileState, FileStateError,
    KnownObject, Multipart, PartRecord, PlannedFile,
};
pub use lease::{Advance, Claim, Hold, Lease, Scanned, WorkerName};
pub use service::{StartRun, Uploads};
