//! Aborts multipart uploads that no run knows of. A failure is no matter of the run: the next one comes by again.

use std::time::Duration;

use tenantry_kernel::StorageError;
use tenantry_sync::Run;
use tenantry_sync::objects::{ObjectError, ObjectStore, OpenUpload, UploadId, abort_orphans, old_uploads};
use tenantry_sync::ports::SyncTransaction;

use super::halt::Halt;
use super::journal::Journal;
use super::worker::WorkerParts;

/// Aborts the uploads below the run's prefix that are older than `age` and in no record.
pub(super) async fn sweep_after(journal: &Journal, objects: &dyn ObjectStore, age: Duration) -> Result<(), Halt> {
    let old = old_uploads(objects, &journal.run.destination.prefix, journal.clock.now() - age).await;
    let old = old.unwrap_or_else(|error| unlisted(&error));
    if !old.is_empty() {
        abort(objects, &old, journal.uploads_under_way().await?).await;
    }
    Ok(())
}

/// Ends the direct uploads that nobody goes on with, and aborts what they left.
pub(super) async fn end_idle(parts: &WorkerParts) -> Result<(), StorageError> {
    let now = parts.clock.now();
    for run in parts.queue.end_idle(now - parts.options.direct_idle, now).await? {
        tracing::info!(run_id = %run.id, "a direct upload was given up: nothing was sent for too long");
        sweep_direct(parts, &run).await?;
    }
    Ok(())
}

async fn sweep_direct(parts: &WorkerParts, run: &Run) -> Result<(), StorageError> {
    let objects = match parts.objects.open(run.destination.bucket.as_ref(), None).await {
        Ok(objects) => objects,
        Err(error) => {
            tracing::debug!(?error, run_id = %run.id, "an object store could not be opened");
            return Ok(());
        }
    };
    let prefix = &run.destination.prefix;
    let old = old_uploads(&*objects, prefix, parts.clock.now() - parts.options.orphan_age).await;
    let old = old.unwrap_or_else(|error| unlisted(&error));
    if old.is_empty() {
        return Ok(());
    }
    let known = {
        let mut transaction: Box<dyn SyncTransaction> = parts.all.begin(&parts.platform).await?;
        transaction.files().uploads_under_way(objects.place(), prefix).await?
    };
    abort(&*objects, &old, known).await;
    Ok(())
}

fn unlisted(error: &ObjectError) -> Vec<OpenUpload> {
    tracing::debug!(?error, "multipart uploads could not be listed");
    Vec::new()
}

async fn abort(objects: &dyn ObjectStore, old: &[OpenUpload], known: Vec<UploadId>) {
    for (upload, error) in abort_orphans(objects, old, known).await {
        tracing::debug!(?error, key = %upload.key, "a multipart upload could not be aborted");
    }
}
