//! What works in the background of a process.

use std::future::Future;

use tenantry_jobs::Worker;
use tenantry_transfer::engine::SyncWorker;
use tokio::sync::watch;

/// Jobs, and the runs of sync sessions.
pub struct Workers {
    pub(super) jobs: Worker,
    pub(super) sync: SyncWorker,
}

impl Workers {
    /// Work until `shutdown` completes, and then for a little to leave what was begun in order.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send) {
        let (stop, stopping) = watch::channel(false);
        let stopped = async {
            shutdown.await;
            stop.send_replace(true);
        };
        tokio::join!(self.jobs.run(stopped), self.sync.run(stopping));
    }
}
