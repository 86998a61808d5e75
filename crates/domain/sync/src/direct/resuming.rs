//! Files whose bytes a client sends to the server one after the other, and goes on with where it was interrupted.
//!
//! A small file that comes in one piece is put into the store as such. Others are appended to an upload of the store,
//! which is written down before its first byte. What counts is what the store says has arrived.

use std::collections::HashMap;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use tenantry_tenancy::{Permission, TenantContext};

use super::completing::{Found, Verdict, look};
use super::service::{Job, lock, touch};
use super::{CompletionError, Declaration, DeclarationError, DirectUploads};
use crate::objects::{Appended, AppendingStore, Crc64, ObjectError, PutCondition, UploadId};
use crate::{FileOutcome, FileRecordId, FileResult, FileState, IndexedFile, Multipart, PlannedFile, RunId, SyncError};

/// How long bytes may come in until the job learns of it, and is asked whether it still takes any.
const TOUCHED_EVERY: TimeDelta = TimeDelta::minutes(1);

/// What a file that its client gave up says for itself.
const GIVEN_UP: &str = "whoever sent it gave it up";

/// A file on its way, and how much of it has arrived.
pub struct Incoming {
    job: Job,
    file: PlannedFile,
    offset: u64,
    /// Whether it is in the store, and recorded.
    is_stored: bool,
    touched_at: DateTime<Utc>,
}

impl Incoming {
    /// Bytes of the whole.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.file.identity.size
    }

    /// Bytes that have arrived.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Bytes that are still to come.
    #[must_use]
    pub fn remaining(&self) -> u64 {
        self.size().saturating_sub(self.offset)
    }

    /// The job that it belongs to.
    #[must_use]
    pub fn job_id(&self) -> RunId {
        self.job.run.id
    }

    /// What was declared of it.
    #[must_use]
    pub fn declaration(&self) -> Declaration {
        Declaration { path: self.file.path.clone(), size: self.size(), checksum: self.file.declared }
    }

    fn appending(&self) -> Result<&dyn AppendingStore, SyncError> {
        self.job.objects.appending().ok_or(SyncError::NotTaken)
    }
}

impl DirectUploads {
    /// Bytes of the largest file that is taken so.
    #[must_use]
    pub fn largest_appended(&self) -> u64 {
        self.options.largest_appended
    }

    /// Declares one file that is to be sent so. An empty one is complete then: clients have nothing to send of it.
    ///
    /// # Errors
    /// As [`DirectUploads::declare`]; [`SyncError::NotTaken`] where files are sent otherwise.
    pub async fn expect(
        &self,
        context: &TenantContext,
        id: RunId,
        declaration: Declaration,
    ) -> Result<Result<FileRecordId, DeclarationError>, SyncError> {
        if !self.enter(context, id).await?.appends() {
            return Err(SyncError::NotTaken);
        }
        let is_empty = declaration.size == 0;
        let declared = self.declare(context, id, vec![Ok(declaration)]).await?.pop();
        let file_id = match declared.ok_or(SyncError::NotFound)? {
            Ok(declared) => declared.file_id,
            Err(error) => return Ok(Err(error)),
        };
        if is_empty {
            self.arrived(context, file_id).await?;
        }
        Ok(Ok(file_id))
    }

    /// How much of a file has arrived. Where all of it has and the server was interrupted then, the file is recorded.
    ///
    /// # Errors
    /// [`SyncError::NotFound`] for a file that no direct upload has, or that was given up; [`SyncError::Forbidden`] for
    /// a guest; [`SyncError::JobEnded`]; [`SyncError::BucketNotAllowed`]; [`SyncError::NotTaken`];
    /// [`SyncError::ChecksumMismatch`]; [`SyncError::Objects`].
    pub async fn arrived(&self, context: &TenantContext, file_id: FileRecordId) -> Result<Incoming, SyncError> {
        let (job, known) = self.find(context, file_id).await?;
        let is_stored = known.state.stored() == FileState::Uploaded;
        let (offset, touched_at) = (if is_stored { known.file.identity.size } else { 0 }, job.run.updated_at);
        let incoming = Incoming { job, file: known.file, offset, is_stored, touched_at };
        if is_stored { Ok(incoming) } else { self.measure(context, incoming).await }
    }

    /// The same for somebody who is about to send what comes from `offset` on.
    ///
    /// # Errors
    /// As [`DirectUploads::arrived`]; [`SyncError::OffsetMismatch`].
    pub async fn receive(
        &self,
        context: &TenantContext,
        file_id: FileRecordId,
        offset: u64,
    ) -> Result<Incoming, SyncError> {
        let incoming = self.arrived(context, file_id).await?;
        if incoming.offset == offset { Ok(incoming) } else { Err(SyncError::OffsetMismatch) }
    }

    /// Takes the next bytes of a file. With the last ones it is put in its place, compared with what was declared, and
    /// recorded.
    ///
    /// # Errors
    /// As [`DirectUploads::arrived`], of an actor as they may act now; [`SyncError::OffsetMismatch`] when somebody else
    /// sends the same file; [`SyncError::TooLong`].
    pub async fn append(
        &self,
        context: &TenantContext,
        mut incoming: Incoming,
        body: Bytes,
    ) -> Result<Incoming, SyncError> {
        context.require(Permission::WriteProjects)?;
        let length = u64::try_from(body.len()).unwrap_or(u64::MAX);
        if length > incoming.remaining() {
            return Err(SyncError::TooLong);
        }
        if incoming.is_stored {
            return Ok(incoming);
        }
        let is_whole = length == incoming.size() && length <= incoming.job.objects.limits().max_put;
        if is_whole && incoming.file.multipart.is_none() {
            return self.put(context, incoming, body).await;
        }
        if length == 0 {
            return Ok(incoming);
        }
        let upload_id = self.keep_open(context, &mut incoming).await?;
        let key = incoming.file.key.clone();
        match incoming.appending()?.append(&key, &upload_id, incoming.offset, body).await {
            Ok(there) if there.length == incoming.size() => self.make(context, incoming, &upload_id, there).await,
            Ok(there) => Ok(Incoming { offset: there.length, ..incoming }),
            Err(ObjectError::ConditionFailed | ObjectError::NoSuchUpload) => Err(SyncError::OffsetMismatch),
            Err(error) => Err(error.into()),
        }
    }

    /// Gives a file up: what has arrived of it goes, and it counts as failed unless it is declared again.
    ///
    /// # Errors
    /// As [`DirectUploads::arrived`]; [`SyncError::NothingToDo`] once all of it is in the store.
    pub async fn give_up(&self, context: &TenantContext, file_id: FileRecordId) -> Result<(), SyncError> {
        let (job, _) = self.find(context, file_id).await?;
        let mut transaction = self.store.begin(context).await?;
        let run = lock(transaction.as_mut(), job.run.id).await?;
        let known = transaction.files().find(file_id).await?.ok_or(SyncError::NotFound)?;
        if known.source_id != run.source_id() || known.state.stored() != FileState::Pending {
            return Err(SyncError::NothingToDo);
        }
        let file = known.file;
        if let Some(multipart) = &file.multipart {
            transaction.files().end_multipart(&run, file_id, &multipart.upload_id).await?;
        }
        let given_up = PlannedFile { multipart: None, attempts: 1, ..file.clone() };
        let outcome = FileOutcome { file: given_up, result: FileResult::Failed(GIVEN_UP.to_owned()) };
        transaction.files().record(job.place(), &run, &[outcome]).await?;
        touch(transaction.as_mut(), run, self.clock.now()).await?;
        transaction.commit().await?;
        if let Some(multipart) = &file.multipart {
            // What can't be aborted now is found when orphans are looked for.
            let _ = job.objects.abort_upload(&file.key, &multipart.upload_id).await;
        }
        Ok(())
    }

    /// The file and its job, if the actor may send it and it was not given up.
    async fn find(&self, context: &TenantContext, file_id: FileRecordId) -> Result<(Job, IndexedFile), SyncError> {
        let known = self.store.read(context).await?.files().find(file_id).await?.ok_or(SyncError::NotFound)?;
        // Files of sessions come of no job.
        let job = self.enter(context, RunId::from_uuid(known.source_id.as_uuid())).await?;
        if !job.appends() {
            return Err(SyncError::NotTaken);
        }
        if known.state == FileState::Failed { Err(SyncError::NotFound) } else { Ok((job, known)) }
    }

    /// Asks the store how much there is; of an empty file, all.
    async fn measure(&self, context: &TenantContext, incoming: Incoming) -> Result<Incoming, SyncError> {
        let Some(Multipart { upload_id, .. }) = incoming.file.multipart.clone() else {
            return if incoming.size() == 0 { self.put(context, incoming, Bytes::new()).await } else { Ok(incoming) };
        };
        match incoming.appending()?.appended(&incoming.file.key, &upload_id).await {
            Ok(there) if there.length == incoming.size() => self.make(context, incoming, &upload_id, there).await,
            Ok(there) => Ok(Incoming { offset: there.length, ..incoming }),
            Err(ObjectError::NoSuchUpload) => self.recover(context, incoming).await,
            Err(error) => Err(error.into()),
        }
    }

    /// The upload is gone: it has become the object, when that could not be written down any more, or is lost.
    async fn recover(&self, context: &TenantContext, incoming: Incoming) -> Result<Incoming, SyncError> {
        let file = &incoming.file;
        // Without a checksum, what is there may be anything.
        let found = if file.declared.is_some() { look(&incoming.job, file).await.ok() } else { None };
        match found {
            Some(found) => self.record(context, incoming, found).await,
            None => self.begin_anew(context, incoming, CompletionError::Missing).await,
        }
    }

    /// An upload of the store for the file, which is begun if there is none.
    async fn keep_open(&self, context: &TenantContext, incoming: &mut Incoming) -> Result<UploadId, SyncError> {
        let now = self.clock.now();
        match &incoming.file.multipart {
            Some(multipart) if now < incoming.touched_at + TOUCHED_EVERY => Ok(multipart.upload_id.clone()),
            Some(multipart) => {
                let upload_id = multipart.upload_id.clone();
                let mut transaction = self.store.begin(context).await?;
                let run = lock(transaction.as_mut(), incoming.job.run.id).await?;
                touch(transaction.as_mut(), run, now).await?;
                transaction.commit().await?;
                incoming.touched_at = now;
                Ok(upload_id)
            }
            None => {
                let upload_id = incoming.job.objects.create_upload(&incoming.file.key).await?;
                let multipart = Multipart { upload_id: upload_id.clone(), part_size: incoming.size() };
                let begun = self.begin(context, incoming, &multipart).await;
                if begun.is_err() {
                    // What can't be aborted now is found when orphans are looked for.
                    let _ = incoming.job.objects.abort_upload(&incoming.file.key, &upload_id).await;
                }
                begun?;
                (incoming.file.multipart, incoming.touched_at) = (Some(multipart), now);
                Ok(upload_id)
            }
        }
    }

    /// Writes an upload down, unless somebody else has begun one.
    async fn begin(
        &self,
        context: &TenantContext,
        incoming: &Incoming,
        multipart: &Multipart,
    ) -> Result<(), SyncError> {
        let file = &incoming.file;
        let mut transaction = self.store.begin(context).await?;
        let run = lock(transaction.as_mut(), incoming.job.run.id).await?;
        let known = transaction.files().find(file.id).await?;
        let is_as_before = known.is_some_and(|known| {
            known.source_id == run.source_id()
                && known.state.stored() == FileState::Pending
                && known.file.is_same(file)
                && known.file.multipart.is_none()
        });
        if !is_as_before {
            return Err(SyncError::OffsetMismatch);
        }
        transaction.files().begin_multipart(&run, file.id, multipart).await?;
        touch(transaction.as_mut(), run, self.clock.now()).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Puts a file into the store that came in one piece.
    async fn put(&self, context: &TenantContext, incoming: Incoming, body: Bytes) -> Result<Incoming, SyncError> {
        let (file, checksum) = (&incoming.file, Crc64::of(&body));
        if file.declared.is_some_and(|declared| declared != checksum) {
            return Err(SyncError::ChecksumMismatch);
        }
        let object = incoming.job.objects.put(&file.key, body, checksum, &PutCondition::None).await?;
        self.record(context, incoming, Found { checksum, etag: object.etag }).await
    }

    /// Makes the object of what has arrived, which is all of it.
    async fn make(
        &self,
        context: &TenantContext,
        incoming: Incoming,
        upload_id: &UploadId,
        whole: Appended,
    ) -> Result<Incoming, SyncError> {
        let file = &incoming.file;
        if file.declared.is_some_and(|declared| declared != whole.checksum) {
            self.begin_anew(context, incoming, CompletionError::ChecksumMismatch).await?;
            return Err(SyncError::ChecksumMismatch);
        }
        let made = incoming.appending()?.complete_appended(&file.key, upload_id, whole, &PutCondition::None).await;
        let found = match made {
            Ok(object) => Found { checksum: whole.checksum, etag: object.etag },
            // Somebody who asked how much there is may have done so just now.
            Err(ObjectError::NoSuchUpload) => match look(&incoming.job, file).await {
                Ok(found) if found.checksum == whole.checksum => found,
                _ => return Err(SyncError::OffsetMismatch),
            },
            Err(ObjectError::ChecksumMismatch) => return Err(SyncError::OffsetMismatch),
            Err(error) => return Err(error.into()),
        };
        self.record(context, incoming, found).await
    }

    /// Writes down that the store has the file.
    async fn record(&self, context: &TenantContext, incoming: Incoming, found: Found) -> Result<Incoming, SyncError> {
        let checksum = found.checksum;
        match self.judge(context, &incoming, Ok(found)).await? {
            Ok(recorded) if recorded == checksum => {
                Ok(Incoming { offset: incoming.size(), is_stored: true, ..incoming })
            }
            // Two sent other bytes as the same file at once. Which of them the store has is not worth finding out.
            Ok(_) => {
                self.declare(context, incoming.job_id(), vec![Ok(incoming.declaration())]).await?;
                Err(SyncError::OffsetMismatch)
            }
            Err(_) => Err(SyncError::OffsetMismatch),
        }
    }

    /// Forgets the upload of a file, of which nothing has arrived then.
    async fn begin_anew(
        &self,
        context: &TenantContext,
        incoming: Incoming,
        why: CompletionError,
    ) -> Result<Incoming, SyncError> {
        let _ = self.judge(context, &incoming, Err(why)).await?;
        Ok(Incoming { offset: 0, file: PlannedFile { multipart: None, ..incoming.file }, ..incoming })
    }

    async fn judge(
        &self,
        context: &TenantContext,
        incoming: &Incoming,
        outcome: Result<Found, CompletionError>,
    ) -> Result<Result<Crc64, CompletionError>, SyncError> {
        let (id, is_spent) = (incoming.file.id, outcome.is_err());
        let verdict = Verdict { file: incoming.file.clone(), outcome, is_spent };
        let mut told = self.settle(context, &incoming.job, &[id], HashMap::from([(id, verdict)])).await?;
        Ok(told.remove(&id).map_or(Err(CompletionError::Unknown), |completed| completed.outcome))
    }
}
