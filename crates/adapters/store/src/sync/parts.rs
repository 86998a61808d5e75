//! The parts of multipart uploads that are in the object store.

use sea_orm::sea_query::{Expr, ExprTrait, Func, OnConflict, SelectStatement};
use sea_orm::{ActiveValue::Set, ColumnTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait};
use tenantry_kernel::StorageError;
use tenantry_sync::objects::{Crc64, StoredPart};
use tenantry_sync::{FileRecordId, PartRecord};
use uuid::Uuid;

use super::columns::{count, stored};
use crate::StoreTransaction;
use crate::error::storage;
use crate::row::{RowReader, corrupt};
use crate::scope::sync_parts::{ActiveModel, Column};

#[derive(Debug, thiserror::Error)]
#[error("a part was to be recorded without an organisation")]
struct NoOrganization;

fn row(organization_id: Uuid, record: &PartRecord) -> ActiveModel {
    ActiveModel {
        organization_id: Set(organization_id),
        file_id: Set(record.file_id.as_uuid()),
        number: Set(record.part.number.into()),
        size: Set(stored(record.part.size)),
        checksum: Set(record.part.checksum.map_or(0, Crc64::to_stored)),
        etag: Set(record.part.etag.clone()),
    }
}

impl StoreTransaction {
    pub(super) async fn insert_parts(&self, parts: &[PartRecord]) -> Result<(), StorageError> {
        if parts.is_empty() {
            return Ok(());
        }
        let organization_id = self.scope().organization_id();
        let organization_id = organization_id.ok_or_else(|| StorageError::Internal(NoOrganization.into()))?;
        let rows = parts.iter().map(|part| row(organization_id, part)).collect();
        let again = OnConflict::columns([Column::OrganizationId, Column::FileId, Column::Number])
            .update_columns([Column::Size, Column::Checksum, Column::Etag])
            .to_owned();
        let insert = self.scope().insert_many(rows)?.on_conflict(again);
        insert.exec_without_returning(self).await.map(|_| ()).map_err(storage)
    }

    pub(super) async fn select_parts(&self, file_id: FileRecordId) -> Result<Vec<StoredPart>, StorageError> {
        let select = self
            .scope()
            .select::<Column>()
            .select_only()
            .columns([Column::Number, Column::Size, Column::Checksum, Column::Etag])
            .filter(Column::FileId.eq(file_id.as_uuid()))
            .order_by_asc(Column::Number);
        let read = |row| {
            let mut row = RowReader::new(row);
            let broken = |column: &'static str| move || corrupt("sync_parts", file_id, column);
            Ok(StoredPart {
                number: u32::try_from(row.take::<i64>()?).ok().ok_or_else(broken("number"))?,
                size: count(row.take()?, broken("size"))?,
                checksum: Some(Crc64::from_stored(row.take()?)),
                etag: row.take()?,
            })
        };
        self.rows(&select.into_query()).await?.iter().map(read).collect()
    }

    /// The sizes of all parts of these files together.
    pub(super) async fn sum_parts(&self, files: SelectStatement) -> Result<u64, StorageError> {
        let sum = self
            .scope()
            .select::<Column>()
            .select_only()
            .expr(Func::coalesce([Column::Size.sum().cast_as("bigint"), Expr::val(0_i64)]))
            .filter(Column::FileId.in_subquery(files));
        self.count(&sum.into_query()).await
    }

    pub(super) async fn forget_parts_of(&self, files: SelectStatement) -> Result<(), StorageError> {
        let delete = self.scope().delete_many::<Column>().filter(Column::FileId.in_subquery(files));
        delete.exec(self).await.map(|_| ()).map_err(storage)
    }

    pub(super) async fn forget_parts(&self, files: Vec<FileRecordId>) -> Result<(), StorageError> {
        if files.is_empty() {
            return Ok(());
        }
        let delete = self
            .scope()
            .delete_many::<Column>()
            .filter(Column::FileId.is_in(files.into_iter().map(FileRecordId::as_uuid)));
        delete.exec(self).await.map(|_| ()).map_err(storage)
    }
}
