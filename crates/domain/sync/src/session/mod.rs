//! Sync sessions: which folder is to be brought where, and how.

mod entity;
mod service;
mod values;

pub use entity::{NewSyncSession, SessionFilter, SessionStats, SessionStatus, SessionStatusError, SyncSession};
pub use entity::{SyncSessionChange, SyncSessionId};
pub use service::SyncSessions;
pub(crate) use service::next_run;
pub use values::{
    CompareBy, CompareByError, LocalDirectory, LocalDirectoryError, MaxWorkers, MaxWorkersError, PatternSyntaxError,
    Patterns, PatternsError, ProfileName, Retries, RetriesError, Schedule, ScheduleError,
};
