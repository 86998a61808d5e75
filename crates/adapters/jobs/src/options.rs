use std::time::Duration;

/// How often things happen, and when.
#[derive(Debug, Clone, Copy)]
pub struct JobsOptions {
    /// How often expired rows are purged, by one worker of all. At least a second; shorter counts as that.
    pub purge_interval: Duration,
    /// How long a deleted account is kept before a purge erases it; longer than a century counts as that.
    pub erase_after: Duration,
    /// How often a worker looks for a ring.
    pub poll_interval: Duration,
    /// How long jobs in progress may take to finish once a worker is to stop; then they are dropped, and their
    /// transactions roll back.
    pub drain: Duration,
}

impl Default for JobsOptions {
    /// A purge every hour, erasure after 30 days, a look every second, 20 seconds to stop.
    fn default() -> Self {
        Self {
            purge_interval: Duration::from_hours(1),
            erase_after: Duration::from_hours(30 * 24),
            poll_interval: Duration::from_secs(1),
            drain: Duration::from_secs(20),
        }
    }
}
