//! What works in the background of a process.

use std::future::Future;
use std::sync::Arc;

use tenantry_generation::Generator;
use tenantry_jobs::Worker;
use tenantry_transfer::engine::SyncWorker;
use tokio::sync::watch;

/// Jobs, readings, and the runs of sync sessions.
pub struct Workers {
    pub(super) jobs: Worker,
    pub(super) sync: SyncWorker,
    pub(super) generator: Arc<Generator>,
}

impl Workers {
    /// Work until `shutdown` completes, and then for a little to leave what was begun in order.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send) {
        let (stop, stopping) = watch::channel(false);
        let stopped = async {
            shutdown.await;
            stop.send_replace(true);
        };
        // Readings are looked after until the last of them has ended.
        let (end, ended) = watch::channel(false);
        let jobs = async {
            self.jobs.run(stopped).await;
            end.send_replace(true);
        };
        tokio::join!(jobs, self.sync.run(stopping), self.generator.watch(ended));
    }
}
