//! A large file: sends it in parts, those that are there already excepted.

use std::collections::BTreeMap;

use bytes::Bytes;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tenantry_sync::objects::{Crc64, ObjectError, PartLimits, StoredObject, StoredPart, UploadId};
use tenantry_sync::{FileIdentity, Multipart, PartRecord, PlannedFile};

use super::feed::Upload;
use super::file::{Done, TryError, blocking, condition, settle, unreadable};
use super::journal::Entry;
use super::recorder::Event;
use crate::checksum::{self, Crc64Digest};
use crate::source::{SourceFile, Symlinks};

/// The smallest part, so that a failed one costs little and a good one is worth a request.
const SMALLEST_PART: u64 = 8 << 20;

/// Parts are whole numbers of these.
const STEP: u64 = 1 << 20;

/// Bytes that are read at once when only their checksum is wanted.
const CHUNK: usize = 1 << 20;

/// The size of all parts but the last: at most nineteen twentieths of the parts that the store allows.
pub(super) fn part_size(size: u64, limits: PartLimits) -> u64 {
    let most = u64::from(limits.max_parts).saturating_mul(95) / 100;
    let needed = size.div_ceil(most.max(1)).next_multiple_of(STEP);
    needed.max(SMALLEST_PART).max(limits.min_part).min(limits.max_part)
}

/// Uploads a file in parts.
pub(super) async fn upload(upload: &Upload, file: &mut PlannedFile) -> Result<Done, TryError> {
    let (folder, path) = (std::sync::Arc::clone(&upload.folder), file.path.clone());
    let (source, identity) = blocking(move || {
        let source = folder.open(&path, Symlinks::Never)?;
        let identity = source.identity().map_err(unreadable)?;
        Ok((source, identity))
    })
    .await?;
    if identity != file.identity {
        forget(upload, file).await;
        file.identity = identity;
        if identity.size <= upload.whole_bytes {
            return Err(TryError::Changed);
        }
    }
    if let Some(stored) = file.stored_checksum.filter(|_| upload.compares_checksums)
        && checksum_of(&source, identity).await? == stored
    {
        return Ok(Done::Unchanged(identity));
    }
    let mut parts = match present(upload, file).await? {
        Present::Parts(parts) => parts,
        Present::Object(object, checksum) => return Ok(Done::Uploaded { identity, checksum, object }),
    };
    let multipart = begun(upload, file).await?;
    send(upload, file, &source, &multipart, &mut parts).await?;
    if blocking({
        let source = source.clone();
        move || source.identity().map_err(unreadable)
    })
    .await?
        != identity
    {
        forget(upload, file).await;
        return Err(TryError::Changed);
    }
    let checksum = combined(&parts);
    let parts: Vec<StoredPart> = parts.into_values().collect();
    let completed =
        upload.objects.complete_upload(&file.key, &multipart.upload_id, &parts, checksum, &condition(file)).await;
    let object = settle(upload, file, completed, identity.size, checksum).await?;
    Ok(Done::Uploaded { identity, checksum, object })
}

/// What is in the store of a file.
enum Present {
    /// These parts of it.
    Parts(BTreeMap<u32, StoredPart>),
    /// All of it: the upload was completed, and the answer was lost.
    Object(StoredObject, Crc64),
}

/// Finds out what an earlier worker left. Only parts count that both the store and we know of: the store has them, and we
/// know their checksums.
async fn present(upload: &Upload, file: &mut PlannedFile) -> Result<Present, TryError> {
    let Some(multipart) = file.multipart.clone() else { return Ok(Present::Parts(BTreeMap::new())) };
    let ours = upload.journal.parts(file.id).await.map_err(|_| TryError::Halted)?;
    match upload.objects.list_parts(&file.key, &multipart.upload_id).await {
        Ok(theirs) => {
            let is_there = |part: &StoredPart| {
                theirs
                    .iter()
                    .any(|other| other.number == part.number && other.size == part.size && other.etag == part.etag)
            };
            let parts = ours.into_iter().filter(is_there).map(|part| (part.number, part));
            Ok(Present::Parts(parts.collect()))
        }
        Err(ObjectError::NoSuchUpload) => {
            let ours: BTreeMap<u32, StoredPart> = ours.into_iter().map(|part| (part.number, part)).collect();
            let size = ours.values().map(|part| part.size).sum::<u64>();
            let checksum = combined(&ours);
            let object = upload.objects.head(&file.key).await?;
            let is_whole = |object: &StoredObject| {
                size == file.identity.size && object.size == size && object.checksum == Some(checksum)
            };
            if let Some(object) = object.filter(is_whole) {
                return Ok(Present::Object(object, checksum));
            }
            file.multipart = None;
            upload.tell(Event::Undone(size)).await;
            Ok(Present::Parts(BTreeMap::new()))
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
    let part_size = part_size(file.identity.size, upload.objects.limits());
    let multipart = Multipart { upload_id, part_size };
    if upload.journal.write(Entry::Multipart(file.id, &multipart)).await.is_err() {
        abort(upload, file, &multipart.upload_id).await;
        return Err(TryError::Halted);
    }
    file.multipart = Some(multipart.clone());
    Ok(multipart)
}

/// Sends the parts that are missing: one at a time on the file's own turn, and more while there are turns to be had.
async fn send(
    upload: &Upload,
    file: &PlannedFile,
    source: &SourceFile,
    multipart: &Multipart,
    parts: &mut BTreeMap<u32, StoredPart>,
) -> Result<(), TryError> {
    let count = u32::try_from(file.identity.size.div_ceil(multipart.part_size).max(1)).unwrap_or(u32::MAX);
    let missing: Vec<u32> = (1..=count).filter(|number| !parts.contains_key(number)).collect();
    let mut missing = missing.into_iter();
    let mut under_way = FuturesUnordered::new();
    loop {
        upload.journal.signal.borrow().check().map_err(|_| TryError::Halted)?;
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
        upload.tell(Event::Part(PartRecord { file_id: file.id, part: part.clone() })).await;
        parts.insert(part.number, part);
    }
}

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
    upload.budget.line(length).await;
    let sent = upload.objects.upload_part(&file.key, &multipart.upload_id, number, offset, bytes, checksum).await?;
    Ok(StoredPart { number, size: length, checksum: Some(checksum), etag: sent.etag })
}

async fn read_part(source: SourceFile, offset: u64, length: u64) -> Result<(Bytes, Crc64), TryError> {
    blocking(move || {
        let wanted = usize::try_from(length).map_err(|_| TryError::Final("is too large".to_owned()))?;
        let bytes = source.read_at(offset, wanted).map_err(unreadable)?;
        if bytes.len() != wanted {
            return Err(TryError::Changed);
        }
        let checksum = checksum::of(&bytes);
        Ok((Bytes::from(bytes), checksum))
    })
    .await
}

async fn checksum_of(source: &SourceFile, identity: FileIdentity) -> Result<Crc64, TryError> {
    let source = source.clone();
    blocking(move || {
        let mut digest = Crc64Digest::new();
        let mut offset = 0;
        loop {
            let chunk = source.read_at(offset, CHUNK).map_err(unreadable)?;
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
    checksum::combine(parts.values().map(|part| (part.checksum.unwrap_or(Crc64::new(0)), part.size)))
}

/// Gives up the upload that the file has under way.
pub(super) async fn forget(upload: &Upload, file: &mut PlannedFile) {
    if let Some(multipart) = file.multipart.take() {
        abort(upload, file, &multipart.upload_id).await;
        if let Ok(parts) = upload.journal.parts(file.id).await {
            upload.tell(Event::Undone(parts.iter().map(|part| part.size).sum())).await;
        }
    }
}

/// What can't be aborted now is found when orphans are looked for.
async fn abort(upload: &Upload, file: &PlannedFile, upload_id: &UploadId) {
    if let Err(error) = upload.objects.abort_upload(&file.key, upload_id).await {
        tracing::debug!(?error, key = %file.key, "a multipart upload could not be aborted");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S3: PartLimits = PartLimits { max_put: 5 << 30, min_part: 5 << 20, max_part: 5 << 30, max_parts: 10_000 };

    #[test]
    fn u8_parts_are_few_enough_and_large_enough() {
        assert_eq!(part_size(20 << 20, S3), 8 << 20);
        assert_eq!(part_size(9_500 * (8 << 20), S3), 8 << 20);
        assert_eq!(part_size(9_500 * (8 << 20) + 1, S3), 9 << 20);
        let largest = 48 << 40;
        assert!(largest / part_size(largest, S3) < 10_000 && part_size(largest, S3) <= S3.max_part);
    }
}
