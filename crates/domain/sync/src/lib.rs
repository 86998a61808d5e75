//! Sync: what brings the files of a folder into an object store.
//!
//! - [`Cycle`], [`Cycles`]: the rounds of a project's work.
//! - [`SyncSession`], [`SyncSessions`]: which folder is brought where, and how.
//! - [`Run`], [`Uploads`]: what a session does when it is started; its [`FileRecord`]s.
//! - [`DirectUploads`]: what clients do that send files of their own; each such job is a [`Run`] too.
//! - [`Lease`]: the right of one worker to work on a run.
//! - [`objects`]: the port of an object store, and the values it speaks in.
//! - [`ports`]: what else an adapter provides.

#![warn(missing_docs)]

mod cycle;
mod cycles;
mod direct;
mod error;
pub mod objects;
pub mod ports;
mod run;
mod session;

pub use cycle::{
    Cycle, CycleChange, CycleDescription, CycleFilter, CycleId, CycleName, CycleNumber, CycleNumberError, CycleStatus,
    CycleStatusError, NewCycle, StatedTimeError, stated_time,
};
pub use cycles::Cycles;
pub use direct::{
    Completed, CompletionError, Declaration, DeclarationError, Declared, DirectOptions, DirectUploads, NewDirectUpload,
    NextStep, Presigned, PresignedPart, PresignedParts, WantedPart,
};
pub use error::{StoreCycleError, SyncError};
pub use run::{
    Advance, Claim, Destination, FileFilter, FileIdentity, FileOutcome, FileRecord, FileRecordId, FileResult,
    FileState, FileStateError, Hold, IndexedFile, KnownObject, Lease, Multipart, PartRecord, PlannedFile, Progress,
    Run, RunEnd, RunId, RunMode, RunModeError, RunState, RunStateError, RunSummary, Scanned, SourceId, StartRun,
    Uploads, Warning, WarningKind, WorkerName, deletions_allowed,
};
pub use session::{
    CompareBy, CompareByError, LocalDirectory, LocalDirectoryError, MaxWorkers, MaxWorkersError, NewSyncSession,
    PatternSyntaxError, Patterns, PatternsError, ProfileName, Retries, RetriesError, Schedule, ScheduleError,
    SessionFilter, SessionStats, SessionStatus, SessionStatusError, SyncSession, SyncSessionChange, SyncSessionId,
    SyncSessions,
};
