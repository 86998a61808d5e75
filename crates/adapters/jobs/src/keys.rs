//! Keeps the keys of access tokens as they should be. Their table holds what there is to do, and a change that several
//! begin is made by one, so it needs no bell.

use std::sync::Arc;
use std::time::Duration;

use tenantry_identity::SigningKeys;
use tokio::sync::watch;

use crate::worker::stopped_within;

/// How often a worker looks.
const INTERVAL: Duration = Duration::from_mins(1);

/// Does what is due until told to stop.
pub(crate) async fn keep_until_stopped(keys: Arc<SigningKeys>, mut stopping: watch::Receiver<bool>) {
    loop {
        if let Err(error) = keys.maintain().await {
            tracing::warn!(?error, "the signing keys could not be looked after");
        }
        if stopped_within(&mut stopping, INTERVAL).await {
            return;
        }
    }
}
