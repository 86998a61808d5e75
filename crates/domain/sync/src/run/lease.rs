use tenantry_kernel::{OrganizationId, UserId};

use crate::{Progress, RunId, Warning};

/// Which worker it is: unique among all lives of all workers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerName(String);

impl WorkerName {
    /// A worker of this name.
    #[must_use]
    pub fn new(name: String) -> Self {
        Self(name)
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The right to work on a run, until it runs out or somebody else takes over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// The run.
    pub run_id: RunId,
    /// Grows with every worker that takes the run, so that an earlier one's writes are told apart and refused.
    pub epoch: i64,
}

/// A run that a worker has taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// Whose run it is.
    pub organization_id: OrganizationId,
    /// In whose name it is done.
    pub user_id: UserId,
    /// The right to work on it.
    pub lease: Lease,
}

/// What a worker learns when it holds on to a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// The run is still its own.
    Held,
    /// So it is, but it is to stop: somebody cancelled it.
    CancelRequested,
    /// Another worker has taken over, or the run has ended.
    Lost,
}

/// By how much a run got on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Advance {
    /// Which one it is of its lease, from 1: whoever does not know whether it was written down may write it again.
    pub number: u64,
    /// What is added to its progress.
    pub progress: Progress,
    /// How fast it goes, in bytes a second.
    pub bytes_per_second: Option<u64>,
    /// How fast it goes, in files a second.
    pub files_per_second: Option<u64>,
    /// Bytes that were counted as uploaded and have to be sent again.
    pub bytes_undone: u64,
    /// Bytes that were to be uploaded and need not be.
    pub bytes_spared: u64,
}

/// What looking through a folder came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scanned {
    /// The totals, and what was skipped or failed at once.
    pub progress: Progress,
    /// What people should know.
    pub warnings: Vec<Warning>,
    /// How many of these there were.
    pub warning_count: u64,
}
