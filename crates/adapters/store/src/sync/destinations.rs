use async_trait::async_trait;
use sea_orm::sea_query::LockType;
use sea_orm::{ColumnTrait, QueryFilter, QuerySelect, QueryTrait};
use tenantry_kernel::StorageError;
use tenantry_sync::ports::{Destinations, ProjectStorage};
use tenantry_tenancy::{BucketName, ProjectId, StoragePrefix};

use crate::StoreTransaction;
use crate::row::{RowReader, corrupt};
use crate::scope::projects::Column;

#[async_trait]
impl Destinations for StoreTransaction {
    async fn project(&mut self, id: ProjectId) -> Result<Option<ProjectStorage>, StorageError> {
        let select = self
            .scope()
            .select::<Column>()
            .select_only()
            .columns([Column::BucketName, Column::StoragePrefix])
            .filter(Column::Id.eq(id.as_uuid()))
            .filter(Column::DeletedAt.is_null());
        // Shared, so that sessions don't wait for one another, and whoever deletes the project waits for all of them.
        let select = if self.locks_rows() { select.lock(LockType::Share) } else { select };
        let Some(row) = self.row(&select.into_query()).await? else { return Ok(None) };
        let mut row = RowReader::new(&row);
        let broken = |column| corrupt("projects", id, column);
        let (bucket, prefix): (Option<String>, Option<String>) = (row.take()?, row.take()?);
        Ok(Some(ProjectStorage {
            bucket_name: bucket.map(|name| BucketName::parse(&name).or(Err(broken("bucket_name")))).transpose()?,
            storage_prefix: prefix
                .map(|prefix| StoragePrefix::parse(&prefix).or(Err(broken("storage_prefix"))))
                .transpose()?,
        }))
    }
}
