use std::path::PathBuf;
use std::time::Duration;

use tenantry_source::Globs;
use uuid::Uuid;

/// What is sent, and where to.
#[derive(Debug, Clone)]
pub struct Target {
    /// The folder.
    pub directory: PathBuf,
    /// Whose files they become.
    pub project_id: Uuid,
    /// The round of its work that they belong to.
    pub cycle_id: Option<Uuid>,
    /// What their keys begin with, below the project.
    pub prefix: Option<String>,
}

/// How it is sent.
#[derive(Debug, Clone)]
pub struct Options {
    /// What is taken, as [`tenantry_source::ScanOptions::include`].
    pub include: Globs,
    /// What is left out, as [`tenantry_source::ScanOptions::exclude`].
    pub exclude: Globs,
    /// How many files and parts are sent at once, at most.
    pub jobs: usize,
    /// How often a file is tried again.
    pub retries: u16,
    /// How long to wait before the first of these; twice as long each time.
    pub first_retry: Duration,
    /// Bytes sent a second, at most.
    pub bytes_per_second: Option<u64>,
    /// Bytes of files in memory, at most.
    pub memory_bytes: u64,
    /// Where checksums are remembered. Without a folder they are not.
    pub cache: Option<PathBuf>,
    /// Whether files are only counted.
    pub mode: Mode,
}

/// Whether files are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// They are.
    #[default]
    Send,
    /// They are counted, and the server is not asked.
    Count,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            include: Globs::default(),
            exclude: Globs::default(),
            jobs: 16,
            retries: 5,
            first_retry: Duration::from_millis(500),
            bytes_per_second: None,
            memory_bytes: 128 << 20,
            cache: None,
            mode: Mode::Send,
        }
    }
}
