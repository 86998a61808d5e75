use std::time::Duration;

/// How much a worker does at once, and for how long it may be silent.
#[derive(Debug, Clone)]
pub struct TransferOptions {
    /// Runs that this process has at the same time.
    pub runs: u16,
    /// Runs that one organisation has at the same time, in all processes.
    pub runs_of_one: u16,
    /// How long a run is held without a sign of life.
    pub lease: Duration,
    /// How often the queue is looked at when no bell rings.
    pub poll_interval: Duration,
    /// How long work that was begun may take to end when the worker is to stop.
    pub drain: Duration,
    /// Bytes of files that are in memory at the same time, in all runs of this process.
    pub memory_bytes: u64,
    /// Files up to this size are uploaded in one piece; more than a sixteenth of the memory they can't be.
    pub whole_bytes: u64,
    /// Larger ones are uploaded in parts of this size, or larger ones where the store would not take so many.
    pub part_bytes: u64,
    /// Bytes that this process sends in a second at most; none for as many as it can.
    pub bytes_per_second: Option<u64>,
    /// The first wait before a file is tried again; each further one doubles it.
    pub first_retry: Duration,
    /// How long a multipart upload that no run knows of is left alone.
    pub orphan_age: Duration,
    /// How long a direct upload may go without a word of its client before it is given up.
    pub direct_idle: Duration,
}

impl Default for TransferOptions {
    fn default() -> Self {
        Self {
            runs: 4,
            runs_of_one: 2,
            lease: Duration::from_secs(15),
            poll_interval: Duration::from_millis(500),
            drain: Duration::from_secs(8),
            memory_bytes: 128 << 20,
            whole_bytes: 8 << 20,
            part_bytes: 8 << 20,
            bytes_per_second: None,
            first_retry: Duration::from_millis(200),
            orphan_age: Duration::from_hours(1),
            direct_idle: Duration::from_hours(24),
        }
    }
}
