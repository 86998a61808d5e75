//! Runs: what a session does when it is started. A run is what the API calls a job.

mod entity;
mod file;
mod lease;
mod service;

pub use entity::{
    Destination, Progress, Run, RunMode, RunModeError, RunState, RunStateError, RunSummary, Warning, WarningKind,
};
pub use entity::{RunEnd, RunId, SourceId, deletions_allowed};
pub use file::{
    FileFilter, FileIdentity, FileOutcome, FileRecord, FileRecordId, FileResult, FileState, FileStateError,
    IndexedFile, KnownObject, Multipart, PartRecord, PlannedFile,
};
pub use lease::{Advance, Claim, Hold, Lease, Scanned, WorkerName};
pub(crate) use service::destination;
pub use service::{StartRun, Uploads};
