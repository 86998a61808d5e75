use async_trait::async_trait;
use sea_orm::{ActiveValue::Set, ColumnTrait, DbErr, FromQueryResult, QueryFilter, QueryTrait, TryInsertResult};
use serde_json::Value;
use tenantry_kernel::{OrganizationId, Page, PageRequest, Revision, StorageError};
use tenantry_sync::{
    Cycle, CycleDescription, CycleFilter, CycleId, CycleName, CycleNumber, StoreCycleError, ports::CycleRepository,
};
use tenantry_tenancy::{ProjectId, StoragePrefix};

use crate::StoreTransaction;
use crate::error::{broken_unique, storage};
use crate::listing::SortBy;
use crate::organizations::metadata_from;
use crate::row::corrupt;
use crate::scope::cycles::{ActiveModel, Column, Model};

const NEWEST_FIRST: SortBy<Column> = SortBy { key: Column::CreatedAt, id: Column::Id, descending: true };

fn cycle_from(row: Model) -> Result<Cycle, StorageError> {
    let broken = |column| corrupt("cycles", row.id, column);
    Ok(Cycle {
        id: CycleId::from_uuid(row.id),
        organization_id: OrganizationId::from_uuid(row.organization_id),
        project_id: ProjectId::from_uuid(row.project_id),
        name: CycleName::from_stored(row.cycle_name),
        number: CycleNumber::parse(row.cycle_number).or(Err(broken("cycle_number")))?,
        s3_prefix: row
            .s3_prefix
            .map(|prefix| StoragePrefix::parse(&prefix).or(Err(broken("s3_prefix"))))
            .transpose()?,
        status: row.status.parse().or(Err(broken("status")))?,
        description: row.description.map(CycleDescription::from_stored),
        metadata: metadata_from(row.metadata).ok_or_else(|| broken("metadata"))?,
        started_at: row.started_at,
        completed_at: row.completed_at,
        created_at: row.created_at,
        updated_at: row.updated_at,
        revision: Revision::from_stored(row.revision),
    })
}

/// All that may change; the ids and the time of creation stay out.
fn changeable(cycle: &Cycle) -> ActiveModel {
    ActiveModel {
        project_id: Set(cycle.project_id.as_uuid()),
        cycle_name: Set(cycle.name.as_str().to_owned()),
        cycle_number: Set(cycle.number.get()),
        s3_prefix: Set(cycle.s3_prefix.as_ref().map(|prefix| prefix.as_str().to_owned())),
        status: Set(cycle.status.as_str().to_owned()),
        description: Set(cycle.description.as_ref().map(|text| text.as_str().to_owned())),
        metadata: Set(Value::Object(cycle.metadata.as_map().clone())),
        started_at: Set(cycle.started_at),
        completed_at: Set(cycle.completed_at),
        updated_at: Set(cycle.updated_at),
        revision: Set(cycle.revision.get()),
        ..Default::default()
    }
}

fn refused(error: DbErr) -> StoreCycleError {
    match broken_unique(&error).as_deref() {
        Some("cycles_organization_id_project_id_cycle_number") => StoreCycleError::NumberTaken,
        _ => storage(error).into(),
    }
}

#[async_trait]
impl CycleRepository for StoreTransaction {
    async fn find(&mut self, id: CycleId) -> Result<Option<Cycle>, StorageError> {
        let select = self.scope().select::<Column>().filter(Column::Id.eq(id.as_uuid()));
        let row = self.lock(select).one(self).await.map_err(storage)?;
        row.map(cycle_from).transpose()
    }

    async fn list(&mut self, filter: CycleFilter, page: &PageRequest) -> Result<Page<Cycle>, StorageError> {
        let all = self
            .scope()
            .select::<Column>()
            .apply_if(filter.project_id, |select, id| select.filter(Column::ProjectId.eq(id.as_uuid())))
            .apply_if(filter.status, |select, status| select.filter(Column::Status.eq(status.as_str())))
            .into_query();
        let (rows, total) = self.page_of(all, NEWEST_FIRST, page).await?;
        let read = |row| Model::from_query_result(row, "").map_err(storage).and_then(cycle_from);
        let cycles = rows.iter().map(read).collect::<Result<_, _>>()?;
        Ok(Page::from_probe(cycles, page.limit(), total, Cycle::cursor))
    }

    async fn insert(&mut self, cycle: &Cycle) -> Result<bool, StoreCycleError> {
        let row = ActiveModel {
            organization_id: Set(cycle.organization_id.as_uuid()),
            id: Set(cycle.id.as_uuid()),
            created_at: Set(cycle.created_at),
            ..changeable(cycle)
        };
        let insert = self.scope().insert(row)?.on_conflict_do_nothing_on([Column::OrganizationId, Column::Id]);
        let outcome = insert.exec_without_returning(self).await.map_err(refused)?;
        Ok(matches!(outcome, TryInsertResult::Inserted(1..)))
    }

    async fn update(&mut self, cycle: &Cycle, expected: Revision) -> Result<bool, StoreCycleError> {
        let update = self
            .scope()
            .update_many::<Column>()
            .set(changeable(cycle))
            .filter(Column::Id.eq(cycle.id.as_uuid()))
            .filter(Column::Revision.eq(expected.get()));
        Ok(update.exec(self).await.map_err(refused)?.rows_affected == 1)
    }

    async fn delete(&mut self, id: CycleId, expected: Revision) -> Result<bool, StorageError> {
        let delete = self
            .scope()
            .delete_many::<Column>()
            .filter(Column::Id.eq(id.as_uuid()))
            .filter(Column::Revision.eq(expected.get()));
        Ok(delete.exec(self).await.map_err(storage)?.rows_affected == 1)
    }

    async fn delete_of_project(&mut self, id: ProjectId) -> Result<(), StorageError> {
        let delete = self.scope().delete_many::<Column>().filter(Column::ProjectId.eq(id.as_uuid()));
        delete.exec(self).await.map(|_| ()).map_err(storage)
    }
}
