//! Multipart uploads that no run knows of: their parts would cost money and show nowhere.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use crate::objects::{ObjectError, ObjectStore, OpenUpload, UploadId};

/// The uploads below `prefix` that were begun before `born_before`.
///
/// # Errors
/// [`ObjectError`].
pub async fn old_uploads(
    objects: &dyn ObjectStore,
    prefix: &str,
    born_before: DateTime<Utc>,
) -> Result<Vec<OpenUpload>, ObjectError> {
    let mut uploads = objects.list_uploads(&format!("{prefix}/")).await?;
    uploads.retain(|upload| upload.initiated_at < born_before);
    Ok(uploads)
}

/// Aborts those of `uploads` that are not among the `known`, which were read after the store was asked for the uploads,
/// so that one that was begun meanwhile is neither here nor there. Answers what could not be aborted: the next one who
/// comes by tries again.
pub async fn abort_orphans(
    objects: &dyn ObjectStore,
    uploads: &[OpenUpload],
    known: Vec<UploadId>,
) -> Vec<(OpenUpload, ObjectError)> {
    let known: HashSet<_> = known.into_iter().collect();
    let mut failures = Vec::new();
    for upload in uploads.iter().filter(|upload| !known.contains(&upload.upload_id)) {
        if let Err(error) = objects.abort_upload(&upload.key, &upload.upload_id).await {
            failures.push((upload.clone(), error));
        }
    }
    failures
}
