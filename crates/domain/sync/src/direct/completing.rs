//! What a client says it has sent, and whether the store has it.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::stream::{self, StreamExt as _};
use tenantry_tenancy::TenantContext;

use super::parts::{count, length};
use super::service::{AT_ONCE, Job, lock, touch};
use super::tally::{counted, exchanged};
use super::{Completed, CompletionError, Declaration, DirectUploads};
use crate::objects::{Crc64, ObjectError, PutCondition, StoredObject, StoredPart, UploadId};
use crate::{
    FileOutcome, FileRecordId, FileResult, FileState, IndexedFile, Multipart, PlannedFile, Run, RunId, SyncError,
};

/// What the store was found to have of a file.
struct Verdict {
    file: PlannedFile,
    outcome: Result<Found, CompletionError>,
    /// The multipart upload of the file is good for nothing any more.
    is_spent: bool,
}

/// The file is in the store.
struct Found {
    checksum: Crc64,
    etag: Option<String>,
}

impl DirectUploads {
    /// Looks whether the store has these files, and records those that it has, in the order given. Files in parts are
    /// put together first. Doing it again for a file that was recorded says so again.
    ///
    /// # Errors
    /// As [`DirectUploads::declare`]; what is wrong with a file is said of it alone.
    pub async fn complete(
        &self,
        context: &TenantContext,
        id: RunId,
        file_ids: &[FileRecordId],
    ) -> Result<Vec<Completed>, SyncError> {
        let job = self.enter(context, id).await?;
        let mut ids = file_ids.to_vec();
        ids.sort_unstable_by_key(|id| id.as_uuid());
        ids.dedup();
        let declared = {
            let mut transaction = self.store.read(context).await?;
            transaction.files().with_ids(job.place(), &ids).await?
        };
        let waiting = declared.into_iter().filter(|known| is_waiting(&job.run, known)).map(|known| known.file);
        let verdicts = stream::iter(waiting).map(|file| self.verify(&job, file)).buffered(AT_ONCE);
        let verdicts: HashMap<FileRecordId, Verdict> =
            verdicts.map(|verdict| (verdict.file.id, verdict)).collect().await;
        let completed = self.settle(context, &job, &ids, verdicts).await?;
        let told = |id: &FileRecordId| completed.get(id).cloned().unwrap_or_else(|| Completed::unknown(*id));
        Ok(file_ids.iter().map(told).collect())
    }

    async fn verify(&self, job: &Job, file: PlannedFile) -> Verdict {
        if !self.needs_parts(job, file.identity.size) {
            let found = look(job, &file).await;
            return Verdict { outcome: found, file, is_spent: false };
        }
        let Some(multipart) = &file.multipart else {
            // It may have been put together before, when that could not be written down.
            let outcome = look(job, &file).await.map_err(in_parts);
            return Verdict { outcome, file, is_spent: false };
        };
        let outcome = put_together(job, &file, multipart).await;
        match outcome {
            Err(CompletionError::Store(error)) if matches!(*error, ObjectError::NoSuchUpload) => {
                let outcome = look(job, &file).await.map_err(in_parts);
                Verdict { is_spent: matches!(outcome, Err(CompletionError::PartsMissing)), outcome, file }
            }
            // The answer may be lost of a call that went well.
            Err(CompletionError::Store(error)) if error.is_transient() => {
                let outcome = look(job, &file).await.or(Err(CompletionError::Store(error)));
                Verdict { outcome, file, is_spent: false }
            }
            // Which of the parts is wrong nobody knows.
            Err(CompletionError::ChecksumMismatch) => {
                Verdict { outcome: Err(CompletionError::ChecksumMismatch), file, is_spent: true }
            }
            outcome => Verdict { outcome, file, is_spent: false },
        }
    }

    /// Writes down what was found, of the files that are still what they were.
    async fn settle(
        &self,
        context: &TenantContext,
        job: &Job,
        ids: &[FileRecordId],
        mut verdicts: HashMap<FileRecordId, Verdict>,
    ) -> Result<HashMap<FileRecordId, Completed>, SyncError> {
        let now = self.clock.now();
        let mut transaction = self.store.begin(context).await?;
        let mut run = lock(transaction.as_mut(), job.run.id).await?;
        let known = transaction.files().with_ids(job.place(), ids).await?;
        let (mut outcomes, mut spent, mut completed) = (Vec::new(), Vec::new(), HashMap::new());
        for known in known {
            let verdict = verdicts.remove(&known.file.id);
            let outcome = match judge(&run, &known, verdict) {
                Judgement::Told(outcome) => outcome,
                Judgement::Spent(error, upload_id) => {
                    transaction.files().end_multipart(&run, known.file.id, &upload_id).await?;
                    spent.push((known.file.key.clone(), upload_id));
                    Err(error)
                }
                Judgement::Arrived(Found { checksum, etag }) => {
                    let identity = known.file.identity;
                    let result = FileResult::Uploaded { identity, checksum, etag, at: now };
                    let file = PlannedFile { attempts: 1, ..known.file.clone() };
                    outcomes.push(FileOutcome { file, result });
                    let after = IndexedFile { state: FileState::Uploaded, ..known.clone() };
                    run.progress = exchanged(run.progress, counted(&run, Some(&known)), counted(&run, Some(&after)));
                    Ok(checksum)
                }
            };
            completed.insert(known.file.id, Completed::of(known.file, outcome));
        }
        transaction.files().record(job.place(), &run, &outcomes).await?;
        touch(transaction.as_mut(), run, now).await?;
        transaction.commit().await?;
        for (key, upload_id) in &spent {
            // What can't be aborted now is found when orphans are looked for.
            let _ = job.objects.abort_upload(key, upload_id).await;
        }
        Ok(completed)
    }
}

/// What is to be said of a file, and done about it.
enum Judgement {
    Told(Result<Crc64, CompletionError>),
    Spent(CompletionError, UploadId),
    Arrived(Found),
}

/// What the store was found to have of a file counts if the file is still what it was then.
fn judge(run: &Run, known: &IndexedFile, verdict: Option<Verdict>) -> Judgement {
    if known.source_id != run.source_id() {
        return Judgement::Told(Err(CompletionError::Superseded));
    }
    if known.state.stored() == FileState::Uploaded {
        return Judgement::Told(known.file.stored_checksum.ok_or(CompletionError::Unverifiable));
    }
    match verdict.filter(|verdict| verdict.file.is_same(&known.file)) {
        None => Judgement::Told(Err(CompletionError::Superseded)),
        Some(Verdict { outcome: Ok(found), .. }) => Judgement::Arrived(found),
        Some(Verdict { outcome: Err(error), is_spent, file }) => match file.multipart {
            Some(multipart) if is_spent => Judgement::Spent(error, multipart.upload_id),
            _ => Judgement::Told(Err(error)),
        },
    }
}

fn is_waiting(run: &Run, known: &IndexedFile) -> bool {
    known.source_id == run.source_id() && known.state.stored() == FileState::Pending
}

/// Makes the object of the parts that the store has, if it has all of them.
async fn put_together(job: &Job, file: &PlannedFile, multipart: &Multipart) -> Result<Found, CompletionError> {
    let (size, part_size, upload_id) = (file.identity.size, multipart.part_size, &multipart.upload_id);
    let declared = file.declared.ok_or(CompletionError::Unverifiable)?;
    let mut parts = job.objects.list_parts(&file.key, upload_id).await.map_err(failed)?;
    let count = count(size, part_size);
    parts.retain(|part| (1..=count).contains(&part.number) && part.size == length(size, part_size, part.number));
    if u32::try_from(parts.len()) != Ok(count) {
        return Err(CompletionError::PartsMissing);
    }
    if combined(&parts).is_some_and(|combined| combined != declared) {
        return Err(CompletionError::ChecksumMismatch);
    }
    let object = job.objects.complete_upload(&file.key, upload_id, &parts, declared, &PutCondition::None).await;
    let object = object.map_err(failed)?;
    // Some stores tell the checksum only when they are asked for it.
    if object.checksum.is_none() { look(job, file).await } else { compare(file, object) }
}

/// The checksum of the whole, where the store tells that of every part.
fn combined(parts: &[StoredPart]) -> Option<Crc64> {
    let parts: Option<Vec<_>> = parts.iter().map(|part| Some((part.checksum?, part.size))).collect();
    parts.map(Crc64::combine)
}

/// Looks at the object in the store.
async fn look(job: &Job, file: &PlannedFile) -> Result<Found, CompletionError> {
    let object = job.objects.head(&file.key).await.map_err(failed)?.ok_or(CompletionError::Missing)?;
    compare(file, object)
}

fn compare(file: &PlannedFile, object: StoredObject) -> Result<Found, CompletionError> {
    if object.size != file.identity.size {
        return Err(CompletionError::SizeMismatch);
    }
    // Without a checksum, an object of the same size may be any.
    let checksum = object.checksum.ok_or(CompletionError::Unverifiable)?;
    if file.declared.is_some_and(|declared| declared != checksum) {
        return Err(CompletionError::ChecksumMismatch);
    }
    Ok(Found { checksum, etag: object.etag })
}

fn failed(error: ObjectError) -> CompletionError {
    match error {
        ObjectError::ChecksumMismatch => CompletionError::ChecksumMismatch,
        error => CompletionError::Store(Arc::new(error)),
    }
}

/// What is there under the key of a file in parts is not the file: then it is the parts that are missing.
fn in_parts(error: CompletionError) -> CompletionError {
    match error {
        CompletionError::Missing | CompletionError::SizeMismatch | CompletionError::ChecksumMismatch => {
            CompletionError::PartsMissing
        }
        error => error,
    }
}

impl Completed {
    fn of(file: PlannedFile, outcome: Result<Crc64, CompletionError>) -> Self {
        let declaration = Declaration { path: file.path, size: file.identity.size, checksum: file.declared };
        Self { file_id: file.id, file: Some(declaration), outcome }
    }

    fn unknown(file_id: FileRecordId) -> Self {
        Self { file_id, file: None, outcome: Err(CompletionError::Unknown) }
    }
}
