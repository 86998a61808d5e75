use std::time::Duration;

/// How often things happen, how much at once, and when.
#[derive(Debug, Clone, Copy)]
pub struct JobsOptions {
    /// Jobs that this process has at the same time.
    pub jobs: u16,
    /// How long a job is held without a sign of life.
    pub lease: Duration,
    /// How often a worker looks when no bell rings.
    pub poll_interval: Duration,
    /// How long jobs in progress may take to finish once a worker is to stop; then they are dropped and given back.
    pub drain: Duration,
    /// How long jobs that are done or cancelled are kept.
    pub keep_finished: Duration,
    /// How long jobs that failed are kept.
    pub keep_failed: Duration,
    /// How often expired rows are purged, by one worker of all. At least a second; shorter counts as that.
    pub purge_interval: Duration,
    /// How long a deleted account is kept before a purge erases it; longer than a century counts as that.
    pub erase_after: Duration,
    /// How long runs that ended are kept, the latest one of each sync session aside; longer than a century counts as that.
    pub keep_runs: Duration,
}

impl Default for JobsOptions {
    /// 64 jobs at once, leases of 10 seconds, a look every half second, 8 seconds to stop; what is done is kept for a day,
    /// what failed for 30; a purge every hour, erasure after 30 days; runs are kept for 90.
    fn default() -> Self {
        Self {
            jobs: 64,
            lease: Duration::from_secs(10),
            poll_interval: Duration::from_millis(500),
            drain: Duration::from_secs(8),
            keep_finished: Duration::from_hours(24),
            keep_failed: Duration::from_hours(30 * 24),
            purge_interval: Duration::from_hours(1),
            erase_after: Duration::from_hours(30 * 24),
            keep_runs: Duration::from_hours(90 * 24),
        }
    }
}
