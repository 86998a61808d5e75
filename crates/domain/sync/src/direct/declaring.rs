//! What a client has, and what of it is to be sent.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use tenantry_tenancy::TenantContext;

use super::service::{AT_ONCE, Job, lock, touch};
use super::tally::{counted, exchanged};
use super::{Declaration, DeclarationError, Declared, DirectUploads, NextStep, Presigned};
use crate::objects::{ObjectError, ObjectKey};
use crate::{
    FileIdentity, FileOutcome, FileRecordId, FileResult, FileState, IndexedFile, Multipart, PlannedFile, Progress, Run,
    RunId, SyncError,
};

/// A file that can be taken, and where it goes.
struct Wanted {
    key: ObjectKey,
    declaration: Declaration,
}

/// What is to be done about a file, by its record.
enum Decision {
    Skip(FileRecordId),
    Send(PlannedFile),
}

impl DirectUploads {
    /// Takes down which files a client has, and tells what it is to do about each, in the order given. A file that can't
    /// be taken keeps none of the others from it. Declaring a file again is harmless: the last word counts.
    ///
    /// # Errors
    /// [`SyncError::Forbidden`] for a guest; [`SyncError::NotFound`]; [`SyncError::NotDirect`], [`SyncError::JobEnded`];
    /// [`SyncError::BucketNotAllowed`]; [`SyncError::NotTaken`] where the store takes nothing from clients;
    /// [`SyncError::Objects`].
    pub async fn declare(
        &self,
        context: &TenantContext,
        id: RunId,
        files: Vec<Result<Declaration, DeclarationError>>,
    ) -> Result<Vec<Result<Declared, DeclarationError>>, SyncError> {
        let job = self.enter(context, id).await?;
        if !job.objects.presigns() && !job.appends() {
            return Err(SyncError::NotTaken);
        }
        let wanted = self.wanted(&job, files);
        let mut decided = self.write_down(context, &job, wanted.iter().flatten()).await?;
        let decided = wanted.into_iter().map(|wanted| Ok(decided.remove(&wanted?.key)));
        let decided: Vec<Result<Option<Decision>, DeclarationError>> = decided.collect();
        let answers = stream::iter(decided).map(|decision| async {
            match decision {
                Ok(Some(decision)) => self.answer(context, &job, decision).await.map(Ok),
                Ok(None) => Ok(Err(DeclarationError::Twice)),
                Err(error) => Ok(Err(error)),
            }
        });
        answers.buffered(AT_ONCE).try_collect().await
    }

    /// The files that can be taken, each key once.
    fn wanted(
        &self,
        job: &Job,
        files: Vec<Result<Declaration, DeclarationError>>,
    ) -> Vec<Result<Wanted, DeclarationError>> {
        let largest = if job.appends() { self.options.largest_appended } else { job.objects.limits().max_object() };
        let mut keys = HashSet::new();
        let take = |file: Result<Declaration, DeclarationError>| {
            let declaration = file?;
            let key = ObjectKey::below(&job.run.destination.prefix, &declaration.path)?;
            if declaration.size > largest {
                return Err(DeclarationError::TooLarge);
            }
            if declaration.checksum.is_none() && !job.appends() && self.needs_parts(job, declaration.size) {
                return Err(DeclarationError::ChecksumNeeded);
            }
            if keys.insert(key.clone()) { Ok(Wanted { key, declaration }) } else { Err(DeclarationError::Twice) }
        };
        files.into_iter().map(take).collect()
    }

    /// Whether a file of this size is sent in parts.
    pub(super) fn needs_parts(&self, job: &Job, size: u64) -> bool {
        size > self.options.part_bytes.min(job.objects.limits().max_put)
    }

    /// Writes down what is to be sent, and decides so by what is known at that moment.
    async fn write_down(
        &self,
        context: &TenantContext,
        job: &Job,
        wanted: impl Iterator<Item = &Wanted> + Send,
    ) -> Result<HashMap<ObjectKey, Decision>, SyncError> {
        // In one order by all, so that no two wait for each other.
        let mut wanted: Vec<&Wanted> = wanted.collect();
        wanted.sort_unstable_by(|one, other| one.key.cmp(&other.key));
        let keys: Vec<ObjectKey> = wanted.iter().map(|wanted| wanted.key.clone()).collect();
        let mut transaction = self.store.begin(context).await?;
        let mut run = lock(transaction.as_mut(), job.run.id).await?;
        let known = transaction.files().at(job.place(), &keys).await?;
        let known: HashMap<&ObjectKey, &IndexedFile> = known.iter().map(|known| (&known.file.key, known)).collect();
        let (mut planned, mut unchanged, mut decided) = (Vec::new(), Vec::new(), HashMap::new());
        for Wanted { key, declaration } in wanted {
            let known = known.get(key).copied();
            let file = self.planned(key, declaration, known);
            let is_there = known.is_some_and(|known| holds(known, declaration));
            let is_ours = known.is_some_and(|known| known.source_id == run.source_id());
            if !(is_there && is_ours) {
                let size = if is_there { 0 } else { declaration.size };
                let after = Progress {
                    total_files: 1,
                    files_skipped: u64::from(is_there),
                    total_bytes: size,
                    ..Progress::default()
                };
                run.progress = exchanged(run.progress, counted(&run, known), after);
                planned.push(file.clone());
            }
            if is_there && !is_ours {
                let result = FileResult::Unchanged(file.identity);
                unchanged.push(FileOutcome { file: file.clone(), result });
            }
            decided.insert(key.clone(), if is_there { Decision::Skip(file.id) } else { Decision::Send(file) });
        }
        transaction.files().plan(job.place(), &run, &planned).await?;
        transaction.files().record(job.place(), &run, &unchanged).await?;
        touch(transaction.as_mut(), run, self.clock.now()).await?;
        transaction.commit().await?;
        Ok(decided)
    }

    fn planned(&self, key: &ObjectKey, declaration: &Declaration, known: Option<&IndexedFile>) -> PlannedFile {
        let file = PlannedFile {
            id: known.map_or_else(|| FileRecordId::generate(&*self.ids), |known| known.file.id),
            key: key.clone(),
            path: declaration.path.clone(),
            identity: FileIdentity { size: declaration.size, ..FileIdentity::default() },
            attempts: 0,
            multipart: None,
            etag: known.and_then(|known| known.file.etag.clone()),
            stored_checksum: known.and_then(|known| known.file.stored_checksum),
            declared: declaration.checksum,
        };
        let under_way = known.filter(|known| known.file.is_same(&file)).and_then(|known| known.file.multipart.clone());
        PlannedFile { multipart: under_way, ..file }
    }

    async fn answer(&self, context: &TenantContext, job: &Job, decision: Decision) -> Result<Declared, SyncError> {
        let file = match decision {
            Decision::Skip(file_id) => return Ok(Declared { file_id, next: NextStep::Skip }),
            Decision::Send(file) => file,
        };
        let (file_id, size) = (file.id, file.identity.size);
        let next = if job.appends() {
            NextStep::Append
        } else if self.needs_parts(job, size) {
            match self.parts_done(context, job, &file).await {
                Ok((part_size, parts_done)) => NextStep::Multipart { part_size, parts_done },
                // It is written down as declared, and no matter of the others.
                Err(SyncError::Objects(error)) => NextStep::Later(Arc::new(error)),
                Err(error) => return Err(error),
            }
        } else {
            let expires_at = self.expiry();
            let presigned = job.objects.presign_put(&file.key, size, file.declared, self.options.presigned_for);
            let request = presigned.await?.ok_or(SyncError::NotTaken)?;
            NextStep::Put(Presigned { request, expires_at })
        };
        Ok(Declared { file_id, next })
    }

    /// How large the parts of a file are, and which of them the store has.
    async fn parts_done(
        &self,
        context: &TenantContext,
        job: &Job,
        file: &PlannedFile,
    ) -> Result<(u64, Vec<u32>), SyncError> {
        let size = file.identity.size;
        let Some(Multipart { upload_id, part_size }) = &file.multipart else {
            return Ok((job.objects.limits().part_size(size, self.options.part_bytes), Vec::new()));
        };
        match job.objects.list_parts(&file.key, upload_id).await {
            Ok(parts) => {
                let whole =
                    parts.iter().filter(|part| super::parts::length(size, *part_size, part.number) == part.size);
                Ok((*part_size, whole.map(|part| part.number).collect()))
            }
            Err(ObjectError::NoSuchUpload) => {
                let mut transaction = self.store.begin(context).await?;
                let run: Run = lock(transaction.as_mut(), job.run.id).await?;
                transaction.files().end_multipart(&run, file.id, upload_id).await?;
                transaction.commit().await?;
                Ok((job.objects.limits().part_size(size, self.options.part_bytes), Vec::new()))
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// Whether the store is known to hold just this.
fn holds(known: &IndexedFile, declaration: &Declaration) -> bool {
    known.state.stored() == FileState::Uploaded
        && known.file.identity.size == declaration.size
        && declaration.checksum.is_some()
        && known.file.stored_checksum == declaration.checksum
}
