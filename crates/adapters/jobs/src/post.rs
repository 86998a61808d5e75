//! Sends mails. The outbox holds what there is to do and how far it got, so it needs no other queue beside it: a worker
//! looks there when somebody rings, and from time to time, and goes on as long as it finds something.

use std::sync::Arc;
use std::time::Duration;

use tenantry_application::PostOffice;
use tenantry_kernel::StorageError;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use crate::worker::stopped_within;

/// Mails that one worker sends at the same time.
const AT_ONCE: u16 = 8;

/// The most that a worker waits while the database fails.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Sends what is due until told to stop; what was begun is finished then.
pub(crate) async fn send_until_stopped(
    office: Arc<PostOffice>,
    bell: &Notify,
    poll_interval: Duration,
    mut stopping: watch::Receiver<bool>,
) {
    let mut wait = poll_interval;
    loop {
        match send_due(&office).await {
            Ok(0) => wait = poll_interval,
            Ok(_) => wait = Duration::ZERO,
            Err(error) => {
                wait = wait.max(poll_interval).saturating_mul(2).min(LONGEST_WAIT);
                tracing::warn!(?error, ?wait, "mails could not be sent");
            }
        }
        tokio::select! {
            is_stopped = stopped_within(&mut stopping, wait) => if is_stopped { return },
            () = bell.notified() => {}
        }
    }
}

/// Sends a handful of what is due; tells how many.
async fn send_due(office: &Arc<PostOffice>) -> Result<usize, StorageError> {
    let claimed = office.claim(AT_ONCE).await?;
    let count = claimed.len();
    let mut sending = JoinSet::new();
    for mail in claimed {
        let office = office.clone();
        sending.spawn(async move { office.deliver(&mail).await });
    }
    while let Some(outcome) = sending.join_next().await {
        match outcome {
            Ok(outcome) => drop(outcome?),
            // The mail is due again once its claim has run out.
            Err(error) => tracing::error!(%error, "sending a mail panicked"),
        }
    }
    Ok(count)
}
