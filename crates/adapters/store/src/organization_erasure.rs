//! Erasure of deleted organisations. Nothing of them stays but their audit logs, which can't be changed.

use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait};
use tenantry_application::ports::PurgeLimits;
use tenantry_kernel::{StorageError, Transaction};
use uuid::Uuid;

use crate::Database;
use crate::error::storage;
use crate::row::RowReader;
use crate::scope::{
    Scope, Scoped, cycles, jobs, organizations, projects, reading_chunks, reading_ledger, reading_sums, readings,
    sync_files, sync_parts, sync_runs, sync_sessions, tasks,
};
use crate::transaction::Mode;

/// Rows of an organisation that one transaction deletes at most, where there can be many.
const BATCH: u64 = 1_000;

impl Database {
    /// Erases the organisations that were deleted long enough ago, one by one, and counts them.
    pub(crate) async fn erase_organizations(&self, limits: PurgeLimits) -> Result<u64, StorageError> {
        let mut total = 0;
        while let Some(id) = self.due_organization(limits).await? {
            self.empty(id, jobs::Column::OrganizationId, jobs::Column::Id).await?;
            self.empty(id, reading_chunks::Column::OrganizationId, reading_chunks::Column::ReadingId).await?;
            self.empty(id, readings::Column::OrganizationId, readings::Column::Id).await?;
            self.empty(id, reading_ledger::Column::OrganizationId, reading_ledger::Column::ReadingId).await?;
            self.empty(id, reading_sums::Column::OrganizationId, reading_sums::Column::Subject).await?;
            self.empty(id, tasks::Column::OrganizationId, tasks::Column::Id).await?;
            self.empty(id, sync_parts::Column::OrganizationId, sync_parts::Column::FileId).await?;
            self.empty(id, sync_files::Column::OrganizationId, sync_files::Column::Id).await?;
            self.empty(id, sync_runs::Column::OrganizationId, sync_runs::Column::Id).await?;
            self.empty(id, sync_sessions::Column::OrganizationId, sync_sessions::Column::Id).await?;
            self.empty(id, cycles::Column::OrganizationId, cycles::Column::Id).await?;
            self.empty(id, projects::Column::OrganizationId, projects::Column::Id).await?;
            total += self.erase_organization(id, limits).await?;
        }
        Ok(total)
    }

    /// The first deleted of the organisations whose time has come.
    async fn due_organization(&self, limits: PurgeLimits) -> Result<Option<Uuid>, StorageError> {
        use organizations::Column;
        let transaction = self.begin(Scope::platform(), Mode::Read).await?;
        let select = transaction
            .scope()
            .select::<Column>()
            .select_only()
            .column(Column::Id)
            .filter(Column::DeletedAt.lte(limits.erase_deleted_by))
            .order_by_asc(Column::DeletedAt)
            .order_by_asc(Column::Id)
            .limit(1)
            .into_query();
        transaction.row(&select).await?.map(|row| RowReader::new(&row).take()).transpose()
    }

    /// Deletes an organisation's rows of one table, batch by batch.
    async fn empty<C>(&self, of: Uuid, organization_id: C, id: C) -> Result<(), StorageError>
    where
        C: ColumnTrait<EntityName: Scoped>,
    {
        loop {
            let transaction = self.begin(Scope::platform(), Mode::Write).await?;
            let scope = *transaction.scope();
            let some = scope.select::<C>().select_only().column(id).filter(organization_id.eq(of)).limit(BATCH);
            let delete = scope
                .delete_many::<C>()
                .filter(organization_id.eq(of))
                .filter(Expr::col(id.as_column_ref()).in_subquery(some.into_query()));
            let deleted = delete.exec(&transaction).await.map_err(storage)?.rows_affected;
            Box::new(transaction).commit().await?;
            if deleted < BATCH {
                return Ok(());
            }
        }
    }

    /// Deletes the organisation itself. What still refers to it goes with it.
    async fn erase_organization(&self, id: Uuid, limits: PurgeLimits) -> Result<u64, StorageError> {
        use organizations::Column;
        let transaction = self.begin(Scope::platform(), Mode::Write).await?;
        let delete = transaction
            .scope()
            .delete_many::<Column>()
            .filter(Column::Id.eq(id))
            .filter(Column::DeletedAt.lte(limits.erase_deleted_by));
        let deleted = delete.exec(&transaction).await.map_err(storage)?.rows_affected;
        Box::new(transaction).commit().await?;
        Ok(deleted)
    }
}
