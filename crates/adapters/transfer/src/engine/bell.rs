use std::sync::Arc;
use std::time::Duration;

use tenantry_sync::ports::RunBell;
use tokio::sync::Notify;
use tokio::time::timeout;

/// Wakes the worker of this process. Clones are the same bell.
#[derive(Debug, Clone, Default)]
pub struct Bell(Arc<Notify>);

impl From<Arc<Notify>> for Bell {
    /// What wakes the worker when it is notified.
    fn from(notify: Arc<Notify>) -> Self {
        Self(notify)
    }
}

impl RunBell for Bell {
    fn ring(&self) {
        // One that is not waited for now is kept.
        self.0.notify_one();
    }
}

impl Bell {
    /// Waits until it rings, or for `longest`.
    pub(super) async fn wait(&self, longest: Duration) {
        // Either way it is time to look.
        let _ = timeout(longest, self.0.notified()).await;
    }
}
