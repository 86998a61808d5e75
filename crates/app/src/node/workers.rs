//! What works in the background of a process.

use std::future::Future;
use std::sync::Arc;

use tenantry_generation::Generator;
use tenantry_jobs::Worker;
use tenantry_transfer::engine::SyncWorker;
use thread_priority::{ThreadPriority, ThreadPriorityValue};
use tokio::runtime::{Builder, Runtime};
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
        tokio::join!(jobs, sync_in_the_background(self.sync, stopping), self.generator.watch(ended));
    }
}

/// Syncs on threads of its own, which give way to those that serve requests.
async fn sync_in_the_background(sync: SyncWorker, stopping: watch::Receiver<bool>) {
    let runtime = Builder::new_multi_thread().enable_all().thread_name("sync").on_thread_start(give_way).build();
    match runtime {
        Ok(runtime) => {
            let work = runtime.spawn(sync.run(stopping));
            let _runtime = Background(Some(runtime));
            if let Err(error) = work.await {
                tracing::error!(%error, "syncing panicked");
            }
        }
        Err(error) => {
            tracing::warn!(%error, "syncing has no threads of its own");
            sync.run(stopping).await;
        }
    }
}

/// A runtime that may be dropped within another one.
struct Background(Option<Runtime>);

impl Drop for Background {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// Niceness 10 on Linux: a tenth of the share of a busy core.
fn give_way() {
    let lowered = ThreadPriorityValue::try_from(22).map(|value| ThreadPriority::Crossplatform(value).set_for_current());
    if !matches!(lowered, Ok(Ok(()))) {
        tracing::warn!("syncing runs at normal priority");
    }
}
