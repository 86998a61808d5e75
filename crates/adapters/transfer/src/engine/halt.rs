use tenantry_kernel::StorageError;

/// Why a run goes on no further here.
#[derive(Debug, thiserror::Error)]
pub(super) enum Halt {
    /// Another worker has it, or it has ended.
    #[error("the run is another worker's")]
    Lost,
    /// Somebody cancelled it.
    #[error("the run was cancelled")]
    Cancelled,
    /// The worker is to stop.
    #[error("the worker is to stop")]
    Stopping,
    /// It can't be done, for this reason, fit to be shown to members.
    #[error("{0}")]
    Failed(String),
    /// The database fails, and will again.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// What a run is told while it works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Signal {
    /// Go on.
    #[default]
    GoOn,
    /// Somebody cancelled the run.
    Cancel,
    /// The worker is to stop.
    Stop,
    /// The lease is gone.
    Lost,
}

impl Signal {
    pub fn check(self) -> Result<(), Halt> {
        match self {
            Self::GoOn => Ok(()),
            Self::Cancel => Err(Halt::Cancelled),
            Self::Stop => Err(Halt::Stopping),
            Self::Lost => Err(Halt::Lost),
        }
    }
}
