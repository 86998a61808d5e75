//! Keeps the audit log: chains what was written, and now and then removes what was kept long enough.

use std::sync::Arc;
use std::time::Duration;

use tenantry_application::AuditKeeper;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::worker::stopped_within;

/// How often entries that were kept long enough are looked for.
const TIDY_INTERVAL: Duration = Duration::from_hours(1);

/// The most that a worker waits while the database fails.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Keeps the log until told to stop.
pub(crate) async fn keep_until_stopped(
    keeper: Arc<AuditKeeper>,
    poll_interval: Duration,
    mut stopping: watch::Receiver<bool>,
) {
    let mut wait = poll_interval;
    let mut next_tidy = Instant::now();
    loop {
        match keeper.seal().await {
            Ok(0) => wait = poll_interval,
            Ok(_) => wait = Duration::ZERO,
            Err(error) => {
                wait = wait.max(poll_interval).saturating_mul(2).min(LONGEST_WAIT);
                tracing::warn!(?error, ?wait, "entries of the audit log could not be chained");
            }
        }
        if Instant::now() >= next_tidy {
            next_tidy = Instant::now() + TIDY_INTERVAL;
            match keeper.tidy().await {
                Ok(0) => {}
                Ok(removed) => tracing::info!(removed, "removed entries of the audit log that were kept long enough"),
                Err(error) => tracing::warn!(?error, "the audit log could not be tidied"),
            }
        }
        if stopped_within(&mut stopping, wait).await {
            return;
        }
    }
}
