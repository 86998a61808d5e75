//! One file: reads it, sends it, and makes sure that what is there is what was read.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tenantry_sync::objects::{Crc64, ObjectError, PutCondition, StoredObject};
use tenantry_sync::{FileIdentity, FileOutcome, FileResult, PlannedFile};
use tokio::time::sleep;

use super::feed::{Upload, failed};
use super::multipart;
use super::pace::Turn;
use crate::checksum;
use crate::source::{OpenError, SourceFile, Symlinks};

/// The longest wait before a file is tried again.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// How often a store may ask for patience over one file before that counts as a failure.
const PATIENCE: u16 = 50;

/// Why one try at a file came to nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum TryError {
    /// It will not go better the next time.
    #[error("{0}")]
    Final(String),
    /// It was written to while it was read.
    #[error("changed while it was read")]
    Changed,
    /// The store failed.
    #[error("{}", told(.0))]
    Store(#[from] ObjectError),
    /// The run is another worker's, or the database fails: nothing is to be said of the file.
    #[error("the run goes on elsewhere")]
    Halted,
}

/// What members read of a store's failure.
fn told(error: &ObjectError) -> String {
    match error {
        ObjectError::Unavailable(_) | ObjectError::Internal(_) => "the object store failed".to_owned(),
        other => other.to_string(),
    }
}

/// What a try at a file came to.
pub(super) enum Done {
    Uploaded { identity: FileIdentity, checksum: Crc64, object: StoredObject },
    Unchanged(FileIdentity),
}

/// Uploads a file, and tries again where that may help. Answers nothing when the run goes on elsewhere.
pub(super) async fn upload(upload: &Upload, mut file: PlannedFile, turn: Turn) -> Option<FileOutcome> {
    // Held to the end, retries included: a file under way is a file under way.
    let _turn = turn;
    let mut asked_for_patience = 0;
    loop {
        file.attempts = file.attempts.saturating_add(1);
        let error = match attempt(upload, &mut file).await {
            Ok(done) => {
                upload.pace.succeeded();
                return Some(outcome(upload, file, done));
            }
            Err(TryError::Halted) => return None,
            Err(error) => error,
        };
        let retry_after = match &error {
            TryError::Final(_) => None,
            TryError::Changed => Some(upload.backoff(file.attempts)),
            TryError::Store(ObjectError::Throttled { retry_after }) if asked_for_patience < PATIENCE => {
                upload.pace.slow_down();
                asked_for_patience += 1;
                file.attempts = file.attempts.saturating_sub(1);
                Some(retry_after.unwrap_or_else(|| upload.backoff(asked_for_patience)).min(LONGEST_WAIT))
            }
            TryError::Store(error) => {
                upload.note_refusal(error);
                error.is_transient().then(|| upload.backoff(file.attempts))
            }
            TryError::Halted => return None,
        };
        match retry_after {
            Some(wait) if file.attempts <= upload.retries => sleep(wait).await,
            _ => {
                multipart::forget(upload, &mut file).await;
                return Some(failed(file, error.to_string()));
            }
        }
        if upload.journal.signal.borrow().check().is_err() {
            return None;
        }
    }
}

fn outcome(upload: &Upload, file: PlannedFile, done: Done) -> FileOutcome {
    let result = match done {
        Done::Uploaded { identity, checksum, object } => {
            FileResult::Uploaded { identity, checksum, etag: object.etag, at: upload.clock.now() }
        }
        Done::Unchanged(identity) => FileResult::Unchanged(identity),
    };
    FileOutcome { file, result }
}

async fn attempt(upload: &Upload, file: &mut PlannedFile) -> Result<Done, TryError> {
    let is_small = file.identity.size <= upload.whole_bytes.min(upload.objects.limits().max_put);
    if is_small && file.multipart.is_none() { whole(upload, file).await } else { multipart::upload(upload, file).await }
}

/// Sends a file in one piece.
async fn whole(upload: &Upload, file: &mut PlannedFile) -> Result<Done, TryError> {
    let _memory = upload.budget.memory(file.identity.size).await;
    let (folder, path, most) = (Arc::clone(&upload.folder), file.path.clone(), upload.whole_bytes);
    let read = blocking(move || read_whole(&folder.open(&path, Symlinks::Never)?, most)).await?;
    let Some((identity, bytes, checksum)) = read else {
        // It has grown since it was found.
        return multipart::upload(upload, file).await;
    };
    if upload.compares_checksums && file.stored_checksum == Some(checksum) {
        return Ok(Done::Unchanged(identity));
    }
    upload.budget.line(identity.size).await;
    let condition = condition(file);
    let outcome = upload.objects.put(&file.key, bytes, checksum, &condition).await;
    let object = settle(upload, file, outcome, identity.size, checksum).await?;
    Ok(Done::Uploaded { identity, checksum, object })
}

/// Reads all of a file, unless it is larger than `most`.
fn read_whole(file: &SourceFile, most: u64) -> Result<Option<(FileIdentity, Bytes, Crc64)>, TryError> {
    let before = file.identity().map_err(unreadable)?;
    let Ok(length) = usize::try_from(before.size) else { return Ok(None) };
    if before.size > most {
        return Ok(None);
    }
    let bytes = file.read_at(0, length).map_err(unreadable)?;
    if bytes.len() != length || file.identity().map_err(unreadable)? != before {
        return Err(TryError::Changed);
    }
    let checksum = checksum::of(&bytes);
    Ok(Some((before, Bytes::from(bytes), checksum)))
}

/// What must be so for the object to be written: nobody has written it since it was last known, so that a worker which
/// was thought dead can't put an older version over a newer one.
pub(super) fn condition(file: &PlannedFile) -> PutCondition {
    match &file.etag {
        Some(etag) => PutCondition::Matches(etag.clone()),
        None => PutCondition::Absent,
    }
}

/// Makes sure of what the store did. A reply may be lost, or come from a store that knew better than we did what is
/// there.
pub(super) async fn settle(
    upload: &Upload,
    file: &mut PlannedFile,
    outcome: Result<StoredObject, ObjectError>,
    size: u64,
    checksum: Crc64,
) -> Result<StoredObject, TryError> {
    let error = match outcome {
        // What the store reports of a write is the word of the store.
        Ok(object) if object.size == size && object.checksum == Some(checksum) => return Ok(object),
        Ok(_) => None,
        Err(error @ (ObjectError::Unavailable(_) | ObjectError::ConditionFailed | ObjectError::NoSuchUpload)) => {
            Some(error)
        }
        Err(error) => return Err(error.into()),
    };
    let found = upload.objects.head(&file.key).await?;
    let is_written =
        |object: &StoredObject| object.size == size && object.checksum.is_none_or(|found| found == checksum);
    match (found, error) {
        (Some(object), None) if is_written(&object) => Ok(object),
        // Without a checksum, an object of the same size may be any.
        (Some(object), Some(_)) if is_written(&object) && object.checksum.is_some() => Ok(object),
        (_, None) => Err(ObjectError::ChecksumMismatch.into()),
        (found, Some(ObjectError::ConditionFailed)) => {
            upload.journal.hold().await.map_err(|_| TryError::Halted)?;
            // It is for this run to replace whatever is there.
            file.etag = found.and_then(|object| object.etag);
            Err(ObjectError::Unavailable("the object was not as it was known to be".into()).into())
        }
        (_, Some(error)) => Err(error.into()),
    }
}

/// Does something with the file system.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, TryError> + Send + 'static,
) -> Result<T, TryError> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(TryError::Final(error.to_string())))
}

pub(super) fn unreadable(error: std::io::Error) -> TryError {
    TryError::Final(format!("can't be read: {}", error.kind()))
}

impl From<OpenError> for TryError {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Unreadable(error) => unreadable(error),
            other => Self::Final(other.to_string()),
        }
    }
}

impl Upload {
    /// How long to wait before trying again: twice as long each time, half to one and a half of it.
    pub fn backoff(&self, attempts: u16) -> Duration {
        let doublings = u32::from(attempts.saturating_sub(1)).min(16);
        let wait = self.first_retry.saturating_mul(2_u32.saturating_pow(doublings)).min(LONGEST_WAIT);
        let spread = self.clock.now().timestamp_subsec_micros() % 1_000;
        wait / 2 + wait.saturating_mul(spread) / 1_000
    }
}
