use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tenantry_application::HeldJob;
use tenantry_kernel::{JobId, JobLease};
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::handlers::JobSignal;

/// The jobs that this process has: those that run, and those whose end is not stored yet.
#[derive(Default)]
pub(super) struct UnderWay(Mutex<HashMap<JobId, Entry>>);

struct Entry {
    lease: JobLease,
    since: Instant,
    signal: watch::Sender<JobSignal>,
    task: AbortHandle,
}

impl UnderWay {
    fn entries(&self) -> MutexGuard<'_, HashMap<JobId, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&self, lease: JobLease, signal: watch::Sender<JobSignal>, task: AbortHandle) {
        self.entries().insert(lease.job_id, Entry { lease, since: Instant::now(), signal, task });
    }

    /// Forgets jobs. One that was lost, and taken anew by this very process, stays.
    pub(super) fn remove(&self, leases: impl Iterator<Item = JobLease>) {
        let mut entries = self.entries();
        for lease in leases {
            if entries.get(&lease.job_id).is_some_and(|entry| entry.lease == lease) {
                entries.remove(&lease.job_id);
            }
        }
    }

    /// Those that were taken at least so long ago.
    pub(super) fn older_than(&self, age: Duration) -> Vec<JobLease> {
        self.entries().values().filter(|entry| entry.since.elapsed() >= age).map(|entry| entry.lease).collect()
    }

    pub(super) fn tell_all(&self, signal: JobSignal) {
        self.entries().values().for_each(|entry| entry.tell(signal));
    }

    /// Of `asked`, only those in `held` are still this process's: the others are dropped where they are.
    pub(super) fn learn(&self, asked: &[JobLease], held: &[HeldJob]) {
        let mut entries = self.entries();
        for job in held.iter().filter(|job| job.cancel_requested) {
            if let Some(entry) = entries.get(&job.job_id) {
                entry.tell(JobSignal::Cancel);
            }
        }
        let held: HashSet<JobId> = held.iter().map(|job| job.job_id).collect();
        for lease in asked.iter().filter(|lease| !held.contains(&lease.job_id)) {
            // Its end may have been stored just now.
            if entries.get(&lease.job_id).is_some_and(|entry| entry.lease == *lease && !entry.task.is_finished()) {
                tracing::warn!(job_id = %lease.job_id, "a job was lost to another worker, and is dropped");
                entries.remove(&lease.job_id).inspect(|entry| entry.task.abort());
            }
        }
    }

    /// Drops the jobs that still run, and answers them.
    pub(super) fn abort_running(&self) -> Vec<JobLease> {
        let entries = self.entries();
        let running = entries.values().filter(|entry| !entry.task.is_finished());
        running.inspect(|entry| entry.task.abort()).map(|entry| entry.lease).collect()
    }
}

impl Entry {
    /// That a job was cancelled is not taken back by a worker that stops.
    fn tell(&self, signal: JobSignal) {
        self.signal.send_if_modified(|known| {
            let is_news = *known != JobSignal::Cancel && *known != signal;
            if is_news {
                *known = signal;
            }
            is_news
        });
    }
}
