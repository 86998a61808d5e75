use async_trait::async_trait;
use sea_orm::sea_query::{Alias, CaseStatement, Condition, Expr, ExprTrait, Func, OnConflict, SelectStatement};
use sea_orm::{ActiveValue::Set, ColumnTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait};
use tenantry_kernel::{Page, PageRequest, StorageError};
use tenantry_sync::objects::{Crc64, ObjectKey, Place, StoredPart, UploadId};
use tenantry_sync::{
    FileFilter, FileOutcome, FileRecord, FileRecordId, FileState, IndexedFile, KnownObject, Multipart, PartRecord,
    PlannedFile, Run, RunId, SourceId, SyncSession, SyncSessionId, ports::FileRepository,
};
use uuid::Uuid;

use super::columns::{count, place_number, stored};
use super::file_rows::{
    INDEXED_COLUMNS, PLANNED_COLUMNS, RECORD_COLUMNS, outcome_row, planned_row, read_indexed, read_planned, read_record,
};
use crate::StoreTransaction;
use crate::error::storage;
use crate::listing::SortBy;
use crate::row::{RowReader, corrupt};
use crate::scope::sync_files::{ActiveModel, Column};

/// By what became of them; within that, as they were found.
const BY_STATE: SortBy<Column> = SortBy { key: Column::State, id: Column::Id, descending: false };

/// What tells whether a file is still the same.
const IDENTITY: [Column; 5] = [Column::Device, Column::Inode, Column::Size, Column::MtimeNs, Column::CtimeNs];

fn key_columns() -> OnConflict {
    OnConflict::columns([Column::OrganizationId, Column::Place, Column::Key])
}

/// The column of the row that could not be inserted.
fn new(column: Column) -> Expr {
    Expr::col((Alias::new("excluded"), column))
}

/// The column of the row that is there.
fn old(column: Column) -> Expr {
    Expr::col(column.as_column_ref())
}

/// The column of the row that is there, as long as the file is the same.
fn if_same_file(column: Column) -> Expr {
    let same = IDENTITY.into_iter().fold(Condition::all(), |same, of| same.add(new(of).eq(old(of))));
    let declared = Column::DeclaredChecksum;
    let undeclared = Condition::all().add(new(declared).is_null()).add(old(declared).is_null());
    let same = same.add(Condition::any().add(new(declared).eq(old(declared))).add(undeclared));
    CaseStatement::new().case(same, old(column)).into()
}

fn replan() -> OnConflict {
    key_columns()
        .update_columns([
            Column::SourceId,
            Column::RunId,
            Column::Path,
            Column::State,
            Column::Attempts,
            Column::Error,
            Column::DeclaredChecksum,
        ])
        .update_columns(IDENTITY)
        .values([Column::UploadId, Column::PartSize].map(|column| (column, if_same_file(column))))
        .to_owned()
}

/// What a run says of a key that another run has taken over meanwhile is too late.
fn settle() -> OnConflict {
    let kept = [Column::Checksum, Column::Etag, Column::UploadedAt];
    key_columns()
        .update_columns([Column::State, Column::Attempts, Column::Error, Column::UploadId, Column::PartSize])
        .update_columns(IDENTITY)
        .values(kept.map(|column| (column, Func::coalesce([new(column), old(column)]).into())))
        .value(Column::RunId, unless_unchanged())
        .action_and_where(old(Column::RunId).eq(new(Column::RunId)))
        .to_owned()
}

/// The run that has uploaded the file: none if it found the same bytes in the store.
fn unless_unchanged() -> Expr {
    let is_unchanged = Condition::all()
        .add(new(Column::State).eq(FileState::Uploaded.as_str()))
        .add(new(Column::UploadedAt).is_null());
    CaseStatement::new().case(is_unchanged, Expr::val(Uuid::nil())).finally(old(Column::RunId)).into()
}

/// Which files a list of this state holds, in a session whose latest run is this.
fn in_state(state: FileState, latest: Option<RunId>) -> Condition {
    let is = |state: FileState| Column::State.eq(state.stored().as_str());
    let of_latest = match latest {
        Some(run) => Column::RunId.eq(run.as_uuid()),
        None => Expr::val(false),
    };
    match state {
        FileState::Pending => Condition::all().add(is(state)).add(Column::UploadId.is_null()),
        FileState::Uploading => Condition::all().add(is(state)).add(Column::UploadId.is_not_null()),
        FileState::Uploaded => Condition::all().add(is(state)).add(of_latest),
        FileState::Skipped => Condition::all().add(is(state)).add(of_latest.not()),
        FileState::Failed => Condition::all().add(is(state)),
    }
}

#[async_trait]
impl FileRepository for StoreTransaction {
    async fn list(
        &mut self,
        session: &SyncSession,
        filter: FileFilter,
        page: &PageRequest,
    ) -> Result<Page<FileRecord>, StorageError> {
        let latest = session.last_run.as_ref().map(|run| run.id);
        let all = self
            .scope()
            .select::<Column>()
            .select_only()
            .columns(RECORD_COLUMNS)
            .filter(Column::SourceId.eq(session.id.as_uuid()))
            .apply_if(filter.state, |select, state| select.filter(in_state(state, latest)))
            .into_query();
        let (rows, total) = self.page_of(all, BY_STATE, page).await?;
        let files = rows.iter().map(|row| read_record(row, latest)).collect::<Result<_, _>>()?;
        Ok(Page::from_probe(files, page.limit(), total, FileRecord::cursor))
    }

    async fn known(
        &mut self,
        place: &Place,
        source_id: SourceId,
        prefix: &str,
        after: Option<&ObjectKey>,
        limit: u32,
    ) -> Result<Vec<KnownObject>, StorageError> {
        let rows = self.rows(&self.select_known(place, prefix, after, limit)).await?;
        let read = |row| {
            let mut row = RowReader::new(row);
            let key = ObjectKey::from_stored(row.take()?);
            let (state, owner): (String, Uuid) = (row.take()?, row.take()?);
            let is_own = owner == source_id.as_uuid();
            let size = count(row.take()?, || corrupt("sync_files", &key, "size"))?;
            let mtime_ns = row.take()?;
            let checksum = row.take::<Option<i64>>()?.map(Crc64::from_stored);
            Ok(KnownObject {
                key,
                is_own,
                is_current: is_own && state == FileState::Uploaded.as_str(),
                has_object: checksum.is_some(),
                size,
                mtime_ns,
                checksum,
            })
        };
        rows.iter().map(read).collect()
    }

    async fn at(&mut self, place: &Place, keys: &[ObjectKey]) -> Result<Vec<IndexedFile>, StorageError> {
        self.indexed(place, Column::Key.is_in(keys.iter().map(ObjectKey::as_str))).await
    }

    async fn with_ids(&mut self, place: &Place, ids: &[FileRecordId]) -> Result<Vec<IndexedFile>, StorageError> {
        self.indexed(place, Column::Id.is_in(ids.iter().map(|id| id.as_uuid()))).await
    }

    async fn find(&mut self, id: FileRecordId) -> Result<Option<IndexedFile>, StorageError> {
        Ok(self.indexed_anywhere(Column::Id.eq(id.as_uuid())).await?.pop())
    }

    async fn plan(&mut self, place: &Place, run: &Run, files: &[PlannedFile]) -> Result<(), StorageError> {
        let place = place_number(place);
        let rows = files.iter().map(|file| planned_row(place, run, file)).collect();
        self.upsert_files(rows, replan()).await
    }

    async fn pending(
        &mut self,
        run: &Run,
        after: Option<FileRecordId>,
        limit: u32,
    ) -> Result<Vec<PlannedFile>, StorageError> {
        let select = self
            .scope()
            .select::<Column>()
            .select_only()
            .columns(PLANNED_COLUMNS)
            .filter(Column::SourceId.eq(run.source_id().as_uuid()))
            .filter(Column::State.eq(FileState::Pending.as_str()))
            .filter(Column::RunId.eq(run.id.as_uuid()))
            .apply_if(after, |select, after| select.filter(Column::Id.gt(after.as_uuid())))
            .order_by_asc(Column::Id)
            .limit(u64::from(limit));
        self.rows(&select.into_query()).await?.iter().map(|row| read_planned(&mut RowReader::new(row))).collect()
    }

    async fn record(&mut self, place: &Place, run: &Run, outcomes: &[FileOutcome]) -> Result<(), StorageError> {
        let place = place_number(place);
        let rows = outcomes.iter().map(|outcome| outcome_row(place, run, outcome)).collect();
        self.upsert_files(rows, settle()).await?;
        self.forget_parts(outcomes.iter().map(|outcome| outcome.file.id).collect()).await
    }

    async fn begin_multipart(
        &mut self,
        run: &Run,
        file_id: FileRecordId,
        multipart: &Multipart,
    ) -> Result<(), StorageError> {
        self.forget_parts(vec![file_id]).await?;
        let change = ActiveModel {
            upload_id: Set(Some(multipart.upload_id.as_str().to_owned())),
            part_size: Set(Some(stored(multipart.part_size))),
            ..Default::default()
        };
        let update = self
            .scope()
            .update_many::<Column>()
            .set(change)
            .filter(Column::SourceId.eq(run.source_id().as_uuid()))
            .filter(Column::State.eq(FileState::Pending.as_str()))
            .filter(Column::Id.eq(file_id.as_uuid()));
        update.exec(self).await.map(|_| ()).map_err(storage)
    }

    async fn end_multipart(
        &mut self,
        run: &Run,
        file_id: FileRecordId,
        upload_id: &UploadId,
    ) -> Result<(), StorageError> {
        let change = ActiveModel { upload_id: Set(None), part_size: Set(None), ..Default::default() };
        let update = self
            .scope()
            .update_many::<Column>()
            .set(change)
            .filter(Column::SourceId.eq(run.source_id().as_uuid()))
            .filter(Column::State.eq(FileState::Pending.as_str()))
            .filter(Column::Id.eq(file_id.as_uuid()))
            .filter(Column::UploadId.eq(upload_id.as_str()));
        if update.exec(self).await.map_err(storage)?.rows_affected == 0 {
            return Ok(());
        }
        self.forget_parts(vec![file_id]).await
    }

    async fn record_parts(&mut self, parts: &[PartRecord]) -> Result<(), StorageError> {
        self.insert_parts(parts).await
    }

    async fn parts(&mut self, file_id: FileRecordId) -> Result<Vec<StoredPart>, StorageError> {
        self.select_parts(file_id).await
    }

    async fn bytes_in_parts(&mut self, run: &Run) -> Result<u64, StorageError> {
        let files = self
            .scope()
            .select::<Column>()
            .select_only()
            .column(Column::Id)
            .filter(Column::SourceId.eq(run.source_id().as_uuid()))
            .filter(Column::State.eq(FileState::Pending.as_str()))
            .filter(Column::RunId.eq(run.id.as_uuid()))
            .filter(Column::UploadId.is_not_null());
        self.sum_parts(files.into_query()).await
    }

    async fn uploads_under_way(&mut self, place: &Place, prefix: &str) -> Result<Vec<UploadId>, StorageError> {
        let select = self
            .scope()
            .select::<Column>()
            .select_only()
            .column(Column::UploadId)
            .filter(Column::Place.eq(place_number(place)))
            .filter(Column::Key.gt(format!("{prefix}/")))
            .filter(Column::Key.lt(format!("{prefix}0")))
            .filter(Column::UploadId.is_not_null())
            .filter(Column::RunId.in_subquery(self.active_runs()));
        let rows = self.rows(&select.into_query()).await?;
        rows.iter().map(|row| RowReader::new(row).take().map(UploadId::new)).collect()
    }

    async fn forget(&mut self, place: &Place, keys: &[ObjectKey]) -> Result<(), StorageError> {
        let named = Condition::all()
            .add(Column::Place.eq(place_number(place)))
            .add(Column::Key.is_in(keys.iter().map(ObjectKey::as_str)));
        let files = self.scope().select::<Column>().select_only().column(Column::Id).filter(named.clone());
        self.forget_parts_of(files.into_query()).await?;
        let delete = self.scope().delete_many::<Column>().filter(named);
        delete.exec(self).await.map(|_| ()).map_err(storage)
    }

    async fn take_failed(
        &mut self,
        session: SyncSessionId,
        from: RunId,
        to: RunId,
    ) -> Result<(u64, u64), StorageError> {
        let failed = Column::SourceId
            .eq(session.as_uuid())
            .and(Column::State.eq(FileState::Failed.as_str()))
            .and(Column::RunId.eq(from.as_uuid()));
        let change = ActiveModel {
            run_id: Set(to.as_uuid()),
            state: Set(FileState::Pending.as_str().to_owned()),
            attempts: Set(0),
            error: Set(None),
            ..Default::default()
        };
        let totals = self
            .scope()
            .select::<Column>()
            .select_only()
            .expr(Column::Id.count())
            .expr(Func::coalesce([Column::Size.sum().cast_as("bigint"), Expr::val(0_i64)]))
            .filter(failed.clone())
            .into_query();
        let row = self.row(&totals).await?;
        let (files, bytes): (i64, i64) = match &row {
            Some(row) => {
                let mut row = RowReader::new(row);
                (row.take()?, row.take()?)
            }
            None => (0, 0),
        };
        let update = self.scope().update_many::<Column>().set(change).filter(failed);
        update.exec(self).await.map_err(storage)?;
        Ok((u64::try_from(files).unwrap_or_default(), u64::try_from(bytes).unwrap_or_default()))
    }
}

impl StoreTransaction {
    /// The files of a place for which `condition` holds, in the order in which all who change them lock them.
    async fn indexed(&self, place: &Place, condition: Expr) -> Result<Vec<IndexedFile>, StorageError> {
        self.indexed_anywhere(Column::Place.eq(place_number(place)).and(condition)).await
    }

    async fn indexed_anywhere(&self, condition: Expr) -> Result<Vec<IndexedFile>, StorageError> {
        let select = self
            .scope()
            .select::<Column>()
            .select_only()
            .columns(PLANNED_COLUMNS)
            .columns(INDEXED_COLUMNS)
            .filter(condition)
            .order_by_asc(Column::Key);
        self.rows(&self.lock(select).into_query()).await?.iter().map(read_indexed).collect()
    }

    fn select_known(&self, place: &Place, prefix: &str, after: Option<&ObjectKey>, limit: u32) -> SelectStatement {
        // The character after the slash ends the keys below the prefix.
        self.scope()
            .select::<Column>()
            .select_only()
            .columns([Column::Key, Column::State, Column::SourceId, Column::Size, Column::MtimeNs, Column::Checksum])
            .filter(Column::Place.eq(place_number(place)))
            .filter(Column::Key.gt(after.map_or_else(|| format!("{prefix}/"), |key| key.as_str().to_owned())))
            .filter(Column::Key.lt(format!("{prefix}0")))
            .order_by_asc(Column::Key)
            .limit(u64::from(limit))
            .into_query()
    }

    async fn upsert_files(&self, rows: Vec<ActiveModel>, conflict: OnConflict) -> Result<(), StorageError> {
        if rows.is_empty() {
            return Ok(());
        }
        let insert = self.scope().insert_many(rows)?.on_conflict(conflict);
        insert.exec_without_returning(self).await.map(|_| ()).map_err(storage)
    }
}
