//! A large file: sends it in parts, those that are there already excepted.

use std::collections::BTreeMap;

use bytes::Bytes;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tenantry_source::{SourceFile, Symlinks};
use tenantry_sync::objects::{Crc64, Crc64Digest, ObjectError, StoredPart, UploadId};
use tenantry_sync::{FileIdentity, Multipart, PartRecord, PlannedFile};
use tokio::sync::oneshot;
use tokio::time::sleep;

use super::feed::Upload;
use super::file::{Done, Transfer, Tries, TryError, blocking, condition, settle, unreadable};
use super::halt::Halt;
use super::recorder::Event;

/// Bytes that are read at once when only their checksum is wanted.
const CHUNK: u64 = 1 << 20;

/// Uploads a file in parts, unless it has shrunk to `small` bytes.
pub(super) async fn upload(upload: &Upload, transfer: &mut Transfer, small: u64) -> Result<Option<Done>, TryError> {
    let (folder, path) = (std::sync::Arc::clone(&upload.folder), transfer.file.path.clone());
    let (source, identity) = blocking(move || {
        let source = folder.open(&path, Symlinks::Never)?;
        let identity = source.identity().map_err(unreadable)?;
        Ok((source, identity))
    })
    .await?;
    if identity != transfer.file.identity {
        forget(upload, transfer).await?;
        transfer.file.identity = identity;
        if identity.size <= small {
            return Ok(None);
        }
    }
    if let Some(stored) = transfer.file.stored_checksum.filter(|_| upload.compares_checksums)
        && checksum_of(upload, &source, identity).await? == stored
    {
        forget(upload, transfer).await?;
        return Ok(Some(Done::Unchanged(identity)));
    }
    if let Some(done) = confirm(upload, transfer, &source).await? {
        return Ok(Some(done));
    }
    let multipart = begun(upload, &mut transfer.file).await?;
    send(upload, transfer, &source, &multipart).await?;
    if still(&source).await? != identity {
        forget(upload, transfer).await?;
        return Err(TryError::Changed);
    }
    let checksum = combined(&transfer.parts);
    let parts: Vec<StoredPart> = transfer.parts.values().cloned().collect();
    let file = &mut transfer.file;
    let completed =
        upload.objects.complete_upload(&file.key, &multipart.upload_id, &parts, checksum, &condition(file)).await;
    let object = settle(upload, file, completed, identity.size, checksum).await?;
    Ok(Some(Done::Uploaded { identity, checksum, object }))
}

/// What the file is now.
async fn still(source: &SourceFile) -> Result<FileIdentity, TryError> {
    let source = source.clone();
    blocking(move || source.identity().map_err(unreadable)).await
}

/// Finds out what has become of an upload that an earlier worker left. Only parts count that both the store and we know
/// of: the store has them, and we know their checksums. Answers the object if that worker had completed it.
async fn confirm(upload: &Upload, transfer: &mut Transfer, source: &SourceFile) -> Result<Option<Done>, TryError> {
    let Some(multipart) = transfer.file.multipart.clone().filter(|_| !transfer.is_confirmed) else { return Ok(None) };
    let key = &transfer.file.key;
    match upload.objects.list_parts(key, &multipart.upload_id).await {
        Ok(theirs) => {
            let is_there = |part: &StoredPart| {
                theirs
                    .iter()
                    .any(|other| other.number == part.number && other.size == part.size && other.etag == part.etag)
            };
            let counted = transfer.counted();
            transfer.parts.retain(|_, part| is_there(part));
            transfer.is_confirmed = true;
            upload.tell(Event::Undone(counted - transfer.counted())).await;
            Ok(None)
        }
        Err(ObjectError::NoSuchUpload) => {
            let identity = transfer.file.identity;
            let found = upload.objects.head(key).await?;
            if let Some(object) = found.filter(|object| object.size == identity.size)
                && let Some(checksum) = object.checksum
                && checksum_of(upload, source, identity).await? == checksum
            {
                return Ok(Some(Done::Uploaded { identity, checksum, object }));
            }
            restart(upload, transfer).await;
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// The upload that is under way, or a new one, which is written down before anything is sent.
async fn begun(upload: &Upload, file: &mut PlannedFile) -> Result<Multipart, TryError> {
    if let Some(multipart) = &file.multipart {
        return Ok(multipart.clone());
    }
    let upload_id = upload.objects.create_upload(&file.key).await?;
    let part_size = upload.objects.limits().part_size(file.identity.size, upload.part_bytes);
    let multipart = Multipart { upload_id, part_size };
    let (written, is_written) = oneshot::channel();
    upload.tell(Event::Begun { file_id: file.id, multipart: multipart.clone(), written }).await;
    if is_written.await.is_err() {
        abort(upload, file, &multipart.upload_id).await;
        // The recorder, which is gone, says why.
        return Err(Halt::Lost.into());
    }
    file.multipart = Some(multipart.clone());
    Ok(multipart)
}

/// Sends the parts that are missing: one at a time on the file's own turn, and more while there are turns to be had.
async fn send(
    upload: &Upload,
    transfer: &mut Transfer,
    source: &SourceFile,
    multipart: &Multipart,
) -> Result<(), TryError> {
    let Transfer { file, parts, .. } = transfer;
    let file = &*file;
    let count = u32::try_from(file.identity.size.div_ceil(multipart.part_size).max(1)).unwrap_or(u32::MAX);
    let missing: Vec<u32> = (1..=count).filter(|number| !parts.contains_key(number)).collect();
    let mut missing = missing.into_iter();
    let mut under_way = FuturesUnordered::new();
    loop {
        upload.journal.signal.borrow().check()?;
        while let Some(turn) = if under_way.is_empty() { Some(None) } else { upload.pace.try_turn().map(Some) } {
            let Some(number) = missing.next() else { break };
            under_way.push(async move {
                let _turn = turn;
                send_part(upload, file, source, multipart, number).await
            });
        }
        let Some(sent) = under_way.next().await else { return Ok(()) };
        let part = sent?;
        upload.pace.succeeded();
        upload.refusals.note_taken();
        upload.tell(Event::Part(PartRecord { file_id: file.id, part: part.clone() })).await;
        parts.insert(part.number, part);
    }
}

/// Sends a part, and tries again where that may help, so that one that fails costs the others nothing.
async fn send_part(
    upload: &Upload,
    file: &PlannedFile,
    source: &SourceFile,
    multipart: &Multipart,
    number: u32,
) -> Result<StoredPart, TryError> {
    let offset = u64::from(number.saturating_sub(1)).saturating_mul(multipart.part_size);
    let length = multipart.part_size.min(file.identity.size.saturating_sub(offset));
    let _memory = upload.budget.memory(length).await;
    let (bytes, checksum) = read_part(source.clone(), offset, length).await?;
    let mut tries = Tries::default();
    loop {
        upload.budget.line(length).await;
        let body = bytes.clone();
        let sent = upload.objects.upload_part(&file.key, &multipart.upload_id, number, offset, body, checksum).await;
        let error = match sent {
            Ok(sent) => return Ok(StoredPart { number, size: length, checksum: Some(checksum), etag: sent.etag }),
            Err(error) if error.is_transient() => TryError::from(error),
            Err(error) => return Err(error.into()),
        };
        let Some(wait) = tries.wait(upload, &error) else { return Err(TryError::Final(error.to_string())) };
        sleep(wait).await;
        upload.journal.signal.borrow().check()?;
    }
}

async fn read_part(source: SourceFile, offset: u64, length: u64) -> Result<(Bytes, Crc64), TryError> {
    blocking(move || {
        let wanted = usize::try_from(length).or(Err(TryError::Final("is too large".to_owned())))?;
        let bytes = source.read_at(offset, wanted).map_err(unreadable)?;
        if bytes.len() != wanted {
            return Err(TryError::Changed);
        }
        let checksum = Crc64::of(&bytes);
        Ok((Bytes::from(bytes), checksum))
    })
    .await
}

async fn checksum_of(upload: &Upload, source: &SourceFile, identity: FileIdentity) -> Result<Crc64, TryError> {
    let source = source.clone();
    let _memory = upload.budget.memory(CHUNK).await;
    blocking(move || {
        let wanted = usize::try_from(CHUNK).unwrap_or(usize::MAX);
        let mut digest = Crc64Digest::new();
        let mut offset = 0;
        loop {
            let chunk = source.read_at(offset, wanted).map_err(unreadable)?;
            if chunk.is_empty() {
                break;
            }
            offset = offset.saturating_add(u64::try_from(chunk.len()).unwrap_or_default());
            digest.update(&chunk);
        }
        if source.identity().map_err(unreadable)? == identity { Ok(digest.finish()) } else { Err(TryError::Changed) }
    })
    .await
}

fn combined(parts: &BTreeMap<u32, StoredPart>) -> Crc64 {
    Crc64::combine(parts.values().map(|part| (part.checksum.unwrap_or(Crc64::new(0)), part.size)))
}

/// Gives up the upload that the file has under way, if it is still for this worker to do so.
pub(super) async fn forget(upload: &Upload, transfer: &mut Transfer) -> Result<(), Halt> {
    if let Some(multipart) = &transfer.file.multipart {
        upload.journal.hold().await?;
        abort(upload, &transfer.file, &multipart.upload_id).await;
        restart(upload, transfer).await;
    }
    Ok(())
}

/// Begins anew with an upload that is gone.
pub(super) async fn restart(upload: &Upload, transfer: &mut Transfer) {
    let counted = transfer.counted();
    transfer.parts.clear();
    transfer.file.multipart = None;
    upload.tell(Event::Undone(counted)).await;
}

/// What can't be aborted now is found when orphans are looked for.
async fn abort(upload: &Upload, file: &PlannedFile, upload_id: &UploadId) {
    if let Err(error) = upload.objects.abort_upload(&file.key, upload_id).await {
        tracing::debug!(?error, key = %file.key, "a multipart upload could not be aborted");
    }
}
