//! One file: reads it, sends it, and makes sure that what is there is what was read.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tenantry_pace::Turn;
use tenantry_source::{OpenError, SourceFile, Symlinks};
use tenantry_sync::objects::{Crc64, ObjectError, PutCondition, StoredObject, StoredPart};
use tenantry_sync::{FileIdentity, FileOutcome, FileResult, PlannedFile};
use tokio::time::sleep;

use super::feed::Upload;
use super::halt::Halt;
use super::multipart;
use super::recorder::Event;

/// The longest wait before something is tried again.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// How often a store may ask for patience over one thing, or have another object than was known, before that counts as
/// a failure.
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
    /// The object was not as it was known to be; now it is known.
    #[error("the object changes all the time")]
    Superseded,
    /// The store failed.
    #[error("{}", told(.0))]
    Store(#[from] ObjectError),
    /// The run goes on no further here: nothing is to be said of the file.
    #[error(transparent)]
    Halted(#[from] Halt),
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

/// A file under way.
pub(super) struct Transfer {
    pub file: PlannedFile,
    /// Its parts that are in the store. The run counts their bytes as uploaded.
    pub parts: BTreeMap<u32, StoredPart>,
    /// Whether the store was asked for the parts that an earlier worker left.
    pub is_confirmed: bool,
}

impl Transfer {
    async fn of(upload: &Upload, file: PlannedFile) -> Result<Self, Halt> {
        let parts = if file.multipart.is_some() { upload.journal.parts(file.id).await? } else { Vec::new() };
        let parts = parts.into_iter().map(|part| (part.number, part)).collect();
        Ok(Self { file, parts, is_confirmed: false })
    }

    pub fn counted(&self) -> u64 {
        self.parts.values().map(|part| part.size).sum()
    }
}

/// How often something was tried in vain.
#[derive(Debug, Default)]
pub(super) struct Tries {
    failures: u16,
    indulged: u16,
}

impl Tries {
    /// How long to wait before it is tried again, if that may help.
    pub fn wait(&mut self, upload: &Upload, error: &TryError) -> Option<Duration> {
        match error {
            TryError::Store(ObjectError::Throttled { retry_after }) if self.indulged < PATIENCE => {
                upload.pace.slow_down();
                self.indulged += 1;
                return Some(retry_after.unwrap_or_else(|| upload.backoff(self.indulged)).min(LONGEST_WAIT));
            }
            TryError::Superseded if self.indulged < PATIENCE => {
                self.indulged += 1;
                return Some(Duration::ZERO);
            }
            TryError::Store(error) => {
                upload.log(error);
                upload.refusals.note(error);
            }
            TryError::Final(_) | TryError::Changed | TryError::Superseded | TryError::Halted(_) => {}
        }
        self.failures = self.failures.saturating_add(1);
        let may_help = match error {
            TryError::Changed | TryError::Superseded => true,
            TryError::Store(error) => error.is_transient() || matches!(error, ObjectError::NoSuchUpload),
            TryError::Final(_) | TryError::Halted(_) => false,
        };
        (may_help && self.failures <= upload.retries).then(|| upload.backoff(self.failures))
    }
}

/// Uploads a file, and tries again where that may help.
pub(super) async fn upload(upload: &Upload, file: PlannedFile, turn: Turn) -> Result<(), Halt> {
    // Held to the end, retries included: a file under way is a file under way.
    let _turn = turn;
    let planned = file.identity.size;
    let mut transfer = Transfer::of(upload, file).await?;
    let mut tries = Tries::default();
    let result = loop {
        transfer.file.attempts = tries.failures.saturating_add(1);
        let error = match attempt(upload, &mut transfer).await {
            Ok(done) => break succeeded(upload, done),
            Err(TryError::Halted(halt)) => return Err(halt),
            Err(error) => error,
        };
        if matches!(error, TryError::Store(ObjectError::NoSuchUpload)) {
            multipart::restart(upload, &mut transfer).await;
        }
        let Some(wait) = tries.wait(upload, &error) else {
            multipart::forget(upload, &mut transfer).await?;
            break FileResult::Failed(error.to_string());
        };
        sleep(wait).await;
        upload.journal.signal.borrow().check()?;
    };
    let counted = transfer.counted();
    let outcome = Box::new(FileOutcome { file: transfer.file, result });
    upload.tell(Event::File { outcome, planned, counted }).await;
    Ok(())
}

fn succeeded(upload: &Upload, done: Done) -> FileResult {
    upload.pace.succeeded();
    match done {
        Done::Uploaded { identity, checksum, object } => {
            upload.refusals.note_taken();
            FileResult::Uploaded { identity, checksum, etag: object.etag, at: upload.clock.now() }
        }
        Done::Unchanged(identity) => FileResult::Unchanged(identity),
    }
}

async fn attempt(upload: &Upload, transfer: &mut Transfer) -> Result<Done, TryError> {
    let most = upload.whole_bytes.min(upload.objects.limits().max_put);
    // A file that is found to have changed since it was last looked at may be one for the other way.
    loop {
        let is_small = transfer.file.identity.size <= most && transfer.file.multipart.is_none();
        let done = if is_small {
            whole(upload, &mut transfer.file).await?
        } else {
            multipart::upload(upload, transfer, most).await?
        };
        if let Some(done) = done {
            return Ok(done);
        }
    }
}

/// Sends a file in one piece, unless it has grown.
async fn whole(upload: &Upload, file: &mut PlannedFile) -> Result<Option<Done>, TryError> {
    let most = file.identity.size;
    let _memory = upload.budget.memory(most).await;
    let (folder, path) = (Arc::clone(&upload.folder), file.path.clone());
    let read = blocking(move || read_whole(&folder.open(&path, Symlinks::Never)?, most)).await?;
    let (identity, bytes, checksum) = match read {
        Read::Whole(identity, bytes, checksum) => (identity, bytes, checksum),
        Read::Larger(identity) => {
            file.identity = identity;
            return Ok(None);
        }
    };
    if upload.compares_checksums && file.stored_checksum == Some(checksum) {
        return Ok(Some(Done::Unchanged(identity)));
    }
    upload.budget.line(identity.size).await;
    let condition = condition(file);
    let outcome = upload.objects.put(&file.key, bytes, checksum, &condition).await;
    let object = settle(upload, file, outcome, identity.size, checksum).await?;
    Ok(Some(Done::Uploaded { identity, checksum, object }))
}

enum Read {
    Whole(FileIdentity, Bytes, Crc64),
    /// There is more of it than was to be read.
    Larger(FileIdentity),
}

/// Reads all of a file, unless it is larger than `most`.
fn read_whole(file: &SourceFile, most: u64) -> Result<Read, TryError> {
    let before = file.identity().map_err(unreadable)?;
    let length = match usize::try_from(before.size) {
        Ok(length) if before.size <= most => length,
        _ => return Ok(Read::Larger(before)),
    };
    let bytes = file.read_at(0, length).map_err(unreadable)?;
    if bytes.len() != length || file.identity().map_err(unreadable)? != before {
        return Err(TryError::Changed);
    }
    let checksum = Crc64::of(&bytes);
    Ok(Read::Whole(before, Bytes::from(bytes), checksum))
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
            // It is for this run to replace whatever is there, if it still is this worker's.
            upload.journal.hold().await?;
            file.etag = found.and_then(|object| object.etag);
            Err(TryError::Superseded)
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

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
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
