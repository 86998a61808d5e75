use async_trait::async_trait;
use sea_orm::sea_query::LockType;
use sea_orm::{ColumnTrait, QueryFilter, QuerySelect};
use tenantry_kernel::{StorageError, UserId};
use tenantry_tasks::ports::TaskReferences;
use tenantry_tenancy::ProjectId;

use crate::StoreTransaction;
use crate::scope::{memberships, projects};

#[async_trait]
impl TaskReferences for StoreTransaction {
    async fn project_exists(&mut self, id: ProjectId) -> Result<bool, StorageError> {
        let select = self
            .scope()
            .select::<projects::Column>()
            .filter(projects::Column::Id.eq(id.as_uuid()))
            .filter(projects::Column::DeletedAt.is_null());
        // Shared, so that tasks don't wait for one another, and whoever deletes the project waits for all of them.
        let select = if self.locks_rows() { select.lock(LockType::Share) } else { select };
        self.exists(select).await
    }

    async fn member_exists(&mut self, id: UserId) -> Result<bool, StorageError> {
        let select = self
            .scope()
            .select_own::<memberships::Column>()
            .filter(memberships::Column::UserId.eq(id.as_uuid()))
            .filter(memberships::Column::IsActive.eq(true));
        self.exists(select).await
    }
}
