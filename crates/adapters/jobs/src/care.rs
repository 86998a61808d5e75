//! Looks after the queue: wakes jobs whose time has come, takes jobs from workers that are gone, and removes old ones.

use std::sync::Arc;
use std::time::Duration;

use tenantry_application::JobRetention;
use tenantry_application::ports::{JobBell as _, JobQueue};
use tenantry_kernel::Clock;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::worker::stopped_within;
use crate::{Doorbell, JobsOptions};

/// How often jobs are looked for that were kept long enough.
const SWEEP_INTERVAL: Duration = Duration::from_mins(1);

/// The least and the most that is waited between two looks.
const LEAST_WAIT: Duration = Duration::from_millis(20);
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Looks after a queue.
pub(crate) struct Care {
    pub(crate) queue: Arc<dyn JobQueue>,
    pub(crate) doorbell: Doorbell,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) options: JobsOptions,
}

impl Care {
    /// Until told to stop.
    pub(crate) async fn take_until_stopped(self, mut stopping: watch::Receiver<bool>) {
        let usual = self.options.poll_interval;
        let (mut wait, mut next_sweep) = (usual, Instant::now());
        loop {
            match self.tend(usual).await {
                Some(next) => wait = next,
                None => wait = wait.max(usual).saturating_mul(2).min(LONGEST_WAIT),
            }
            if Instant::now() >= next_sweep {
                next_sweep = Instant::now() + SWEEP_INTERVAL;
                self.sweep().await;
            }
            if stopped_within(&mut stopping, wait).await {
                return;
            }
        }
    }

    /// Answers when to look again, unless it failed.
    async fn tend(&self, usual: Duration) -> Option<Duration> {
        match self.queue.tend(self.clock.now()).await {
            Ok(tended) => {
                tended.queues.iter().for_each(|queue| self.doorbell.ring(queue));
                if tended.lost > 0 {
                    let (count, given_up) = (tended.lost, tended.given_up);
                    tracing::warn!(count, given_up, "jobs were taken from workers that are gone");
                }
                Some(tended.next.unwrap_or(usual).min(usual).max(LEAST_WAIT))
            }
            Err(error) => {
                tracing::warn!(?error, "the queue of jobs could not be looked after");
                None
            }
        }
    }

    async fn sweep(&self) {
        let before = |age: Duration| {
            let age = chrono::Duration::from_std(age).ok();
            age.and_then(|age| self.clock.now().checked_sub_signed(age))
        };
        let (Some(ended_by), Some(failed_by)) = (before(self.options.keep_finished), before(self.options.keep_failed))
        else {
            return;
        };
        match self.queue.sweep(JobRetention { ended_by, failed_by }).await {
            Ok(0) => {}
            Ok(removed) => tracing::debug!(removed, "removed jobs that were kept long enough"),
            Err(error) => tracing::warn!(?error, "old jobs could not be removed"),
        }
    }
}
