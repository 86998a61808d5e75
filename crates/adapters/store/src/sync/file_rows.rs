//! Rows of files, as the domain reads and writes them.

use chrono::{DateTime, Utc};
use sea_orm::{ActiveValue::Set, QueryResult};
use tenantry_kernel::StorageError;
use tenantry_sync::objects::{Crc64, ObjectKey, RelativePath, UploadId};
use tenantry_sync::{
    FileIdentity, FileOutcome, FileRecord, FileRecordId, FileResult, FileState, IndexedFile, Multipart, PlannedFile,
    Run, RunId, SourceId,
};
use uuid::Uuid;

use super::columns::{bits, count, small, stored, stored_small};
use crate::row::{RowReader, corrupt};
use crate::scope::sync_files::{ActiveModel, Column};

/// The columns of a [`FileRecord`], in the order of [`read_record`].
pub(super) const RECORD_COLUMNS: [Column; 11] = [
    Column::Id,
    Column::Path,
    Column::Key,
    Column::Size,
    Column::State,
    Column::RunId,
    Column::UploadId,
    Column::Attempts,
    Column::Checksum,
    Column::Error,
    Column::UploadedAt,
];

/// The columns of a [`PlannedFile`], in the order of [`read_planned`].
pub(super) const PLANNED_COLUMNS: [Column; 14] = [
    Column::Id,
    Column::Key,
    Column::Path,
    Column::Device,
    Column::Inode,
    Column::Size,
    Column::MtimeNs,
    Column::CtimeNs,
    Column::Attempts,
    Column::UploadId,
    Column::PartSize,
    Column::Etag,
    Column::Checksum,
    Column::DeclaredChecksum,
];

/// What an [`IndexedFile`] has besides, in the order of [`read_indexed`].
pub(super) const INDEXED_COLUMNS: [Column; 3] = [Column::SourceId, Column::RunId, Column::State];

pub(super) fn read_record(row: &QueryResult, latest: Option<RunId>) -> Result<FileRecord, StorageError> {
    let mut row = RowReader::new(row);
    let id: Uuid = row.take()?;
    let broken = |column: &'static str| move || corrupt("sync_files", id, column);
    let path = RelativePath::from_stored(row.take()?);
    let key = ObjectKey::from_stored(row.take()?);
    let size = count(row.take()?, broken("size"))?;
    let state: FileState = row.take::<String>()?.parse().ok().ok_or_else(broken("state"))?;
    let run_id = RunId::from_uuid(row.take()?);
    let has_parts = row.take::<Option<String>>()?.is_some();
    Ok(FileRecord {
        id: FileRecordId::from_uuid(id),
        path,
        key,
        size,
        state: match state {
            FileState::Uploaded if Some(run_id) != latest => FileState::Skipped,
            FileState::Pending if has_parts => FileState::Uploading,
            state => state,
        },
        attempts: small(row.take()?, "sync_files", id, "attempts")?,
        checksum: row.take::<Option<i64>>()?.map(Crc64::from_stored),
        error: row.take()?,
        uploaded_at: row.take()?,
    })
}

pub(super) fn read_planned(row: &mut RowReader<'_>) -> Result<PlannedFile, StorageError> {
    let id: Uuid = row.take()?;
    let broken = |column: &'static str| move || corrupt("sync_files", id, column);
    let key = ObjectKey::from_stored(row.take()?);
    let path = RelativePath::from_stored(row.take()?);
    let identity = FileIdentity {
        device: row.take::<i64>()?.cast_unsigned(),
        inode: row.take::<i64>()?.cast_unsigned(),
        size: count(row.take()?, broken("size"))?,
        mtime_ns: row.take()?,
        ctime_ns: row.take()?,
    };
    let attempts = small(row.take()?, "sync_files", id, "attempts")?;
    let upload_id = row.take::<Option<String>>()?.map(UploadId::new);
    let part_size = row.take::<Option<i64>>()?.map(|size| count(size, broken("part_size"))).transpose()?;
    let multipart = upload_id.zip(part_size).map(|(upload_id, part_size)| Multipart { upload_id, part_size });
    let etag = row.take()?;
    let stored_checksum = row.take::<Option<i64>>()?.map(Crc64::from_stored);
    let declared = row.take::<Option<i64>>()?.map(Crc64::from_stored);
    let id = FileRecordId::from_uuid(id);
    Ok(PlannedFile { id, key, path, identity, attempts, multipart, etag, stored_checksum, declared })
}

pub(super) fn read_indexed(row: &QueryResult) -> Result<IndexedFile, StorageError> {
    let mut row = RowReader::new(row);
    let file = read_planned(&mut row)?;
    let (source_id, run_id) = (SourceId::from_uuid(row.take()?), RunId::from_uuid(row.take()?));
    let state = row.take::<String>()?.parse().ok().ok_or_else(|| corrupt("sync_files", file.id, "state"))?;
    Ok(IndexedFile { file, source_id, run_id, state })
}

pub(super) fn planned_row(place: i64, run: &Run, file: &PlannedFile) -> ActiveModel {
    ActiveModel {
        organization_id: Set(run.organization_id.as_uuid()),
        place: Set(place),
        key: Set(file.key.as_str().to_owned()),
        id: Set(file.id.as_uuid()),
        source_id: Set(run.source_id().as_uuid()),
        run_id: Set(run.id.as_uuid()),
        path: Set(file.path.as_bytes().to_vec()),
        device: Set(bits(file.identity.device)),
        inode: Set(bits(file.identity.inode)),
        size: Set(stored(file.identity.size)),
        mtime_ns: Set(file.identity.mtime_ns),
        ctime_ns: Set(file.identity.ctime_ns),
        state: Set(FileState::Pending.as_str().to_owned()),
        attempts: Set(0),
        upload_id: Set(None),
        part_size: Set(None),
        checksum: Set(None),
        etag: Set(None),
        declared_checksum: Set(file.declared.map(Crc64::to_stored)),
        error: Set(None),
        uploaded_at: Set(None),
    }
}

pub(super) fn outcome_row(place: i64, run: &Run, outcome: &FileOutcome) -> ActiveModel {
    let file = &outcome.file;
    let row = ActiveModel { attempts: Set(stored_small(file.attempts)), ..planned_row(place, run, file) };
    let uploaded = |identity: &FileIdentity, row: ActiveModel| ActiveModel {
        state: Set(FileState::Uploaded.as_str().to_owned()),
        device: Set(bits(identity.device)),
        inode: Set(bits(identity.inode)),
        size: Set(stored(identity.size)),
        mtime_ns: Set(identity.mtime_ns),
        ctime_ns: Set(identity.ctime_ns),
        ..row
    };
    match &outcome.result {
        FileResult::Uploaded { identity, checksum, etag, at } => ActiveModel {
            checksum: Set(Some(checksum.to_stored())),
            etag: Set(etag.clone()),
            uploaded_at: Set(Some::<DateTime<Utc>>(*at)),
            ..uploaded(identity, row)
        },
        FileResult::Unchanged(identity) => uploaded(identity, row),
        FileResult::Failed(error) => {
            ActiveModel { state: Set(FileState::Failed.as_str().to_owned()), error: Set(Some(error.clone())), ..row }
        }
    }
}
