//! Aborts multipart uploads that no run knows of: their parts would cost money and show nowhere.

use std::collections::HashSet;
use std::time::Duration;

use tenantry_sync::objects::ObjectStore;

use super::halt::Halt;
use super::journal::Journal;

/// Aborts the uploads below the run's prefix that are older than `age` and in no record. A failure is no matter of the
/// run: the next one comes by again.
pub(super) async fn sweep(journal: &Journal, objects: &dyn ObjectStore, age: Duration) -> Result<(), Halt> {
    let prefix = format!("{}/", journal.run.destination.prefix);
    let uploads = match objects.list_uploads(&prefix).await {
        Ok(uploads) => uploads,
        Err(error) => {
            tracing::debug!(?error, "multipart uploads could not be listed");
            return Ok(());
        }
    };
    let born_before = journal.clock.now() - age;
    let old: Vec<_> = uploads.into_iter().filter(|upload| upload.initiated_at < born_before).collect();
    if old.is_empty() {
        return Ok(());
    }
    // Read after the store was asked: an upload that is begun now is neither here nor there.
    let known: HashSet<_> = journal.uploads_under_way().await?.into_iter().collect();
    for upload in old.iter().filter(|upload| !known.contains(&upload.upload_id)) {
        if let Err(error) = objects.abort_upload(&upload.key, &upload.upload_id).await {
            tracing::debug!(?error, key = %upload.key, "a multipart upload could not be aborted");
        }
    }
    Ok(())
}
