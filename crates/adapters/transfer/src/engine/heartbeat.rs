//! Holds on to a run while it is done, and hears of its cancellation.

use std::sync::Arc;
use std::time::Duration;

use tenantry_kernel::Store;
use tenantry_sync::ports::SyncTransaction;
use tenantry_sync::{Hold, Lease};
use tenantry_tenancy::TenantContext;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::halt::Signal;

/// How often somebody's wish to cancel is looked for, at least.
const LONGEST_INTERVAL: Duration = Duration::from_secs(1);

pub(super) struct Heartbeat {
    pub store: Arc<dyn Store<TenantContext, dyn SyncTransaction>>,
    pub context: TenantContext,
    pub lease: Lease,
    pub duration: Duration,
}

impl Heartbeat {
    /// Beats until dropped. A worker that can't reach the database gives its lease up when it has run out, as others
    /// then take the run over.
    pub async fn beat(self, signal: watch::Sender<Signal>) {
        let mut held_since = Instant::now();
        loop {
            sleep((self.duration / 4).min(LONGEST_INTERVAL)).await;
            let asked_at = Instant::now();
            let news = match self.hold().await {
                Ok(Hold::Held) => None,
                Ok(Hold::CancelRequested) => Some(Signal::Cancel),
                Ok(Hold::Lost) => Some(Signal::Lost),
                Err(error) => {
                    tracing::debug!(?error, run_id = %self.lease.run_id, "a run could not be held on to");
                    if held_since.elapsed() < self.duration {
                        continue;
                    }
                    Some(Signal::Lost)
                }
            };
            held_since = asked_at;
            if let Some(news) = news {
                // To lose the run outdoes all else.
                signal.send_if_modified(|known| {
                    let is_new = *known == Signal::GoOn || news == Signal::Lost;
                    if is_new {
                        *known = news;
                    }
                    is_new
                });
            }
        }
    }

    async fn hold(&self) -> Result<Hold, tenantry_kernel::StorageError> {
        let mut transaction = self.store.begin(&self.context).await?;
        let hold = transaction.runs().hold(self.lease, self.duration).await?;
        transaction.commit().await?;
        Ok(hold)
    }
}
