use async_trait::async_trait;
use sea_orm::{ActiveValue::Set, ColumnTrait, DbErr, QueryFilter, QueryOrder};
use tenantry_kernel::{OrganizationId, Revision, StorageError};
use tenantry_readings::ports::{AdvisorRepository, InsertAdvisorError};
use tenantry_readings::{AdvisorDescription, AdvisorId, AdvisorName, AdvisorTitle, Instructions, OwnAdvisor};

use crate::StoreTransaction;
use crate::error::{broken_unique, storage};
use crate::scope::advisors::{ActiveModel, Column, Model};

fn advisor_from(row: Model) -> OwnAdvisor {
    OwnAdvisor {
        organization_id: OrganizationId::from_uuid(row.organization_id),
        id: AdvisorId::from_stored(row.id),
        name: AdvisorName::from_stored(row.name),
        title: AdvisorTitle::from_stored(row.title),
        description: AdvisorDescription::from_stored(row.description),
        instructions: Instructions::from_stored(row.instructions),
        created_at: row.created_at,
        updated_at: row.updated_at,
        revision: Revision::from_stored(row.revision),
    }
}

/// All that may change; the ids and the time of creation stay out.
fn changeable(advisor: &OwnAdvisor) -> ActiveModel {
    ActiveModel {
        name: Set(advisor.name.as_str().to_owned()),
        title: Set(advisor.title.as_str().to_owned()),
        description: Set(advisor.description.as_str().to_owned()),
        instructions: Set(advisor.instructions.expose().to_owned()),
        updated_at: Set(advisor.updated_at),
        revision: Set(advisor.revision.get()),
        ..Default::default()
    }
}

fn refused(error: DbErr) -> InsertAdvisorError {
    match broken_unique(&error).as_deref() {
        Some("advisors_pkey") => InsertAdvisorError::Taken,
        _ => storage(error).into(),
    }
}

#[async_trait]
impl AdvisorRepository for StoreTransaction {
    async fn find(&mut self, id: &AdvisorId) -> Result<Option<OwnAdvisor>, StorageError> {
        self.check_one_organization()?;
        let select = self.scope().select::<Column>().filter(Column::Id.eq(id.as_str()));
        let row = self.lock(select).one(self).await.map_err(storage)?;
        Ok(row.map(advisor_from))
    }

    async fn list(&mut self) -> Result<Vec<OwnAdvisor>, StorageError> {
        self.check_one_organization()?;
        let select = self.scope().select::<Column>().order_by_asc(Column::Name).order_by_asc(Column::Id);
        let rows = self.lock(select).all(self).await.map_err(storage)?;
        Ok(rows.into_iter().map(advisor_from).collect())
    }

    async fn insert(&mut self, advisor: &OwnAdvisor) -> Result<(), InsertAdvisorError> {
        let row = ActiveModel {
            organization_id: Set(advisor.organization_id.as_uuid()),
            id: Set(advisor.id.as_str().to_owned()),
            created_at: Set(advisor.created_at),
            ..changeable(advisor)
        };
        self.scope().insert(row)?.exec_without_returning(self).await.map(|_| ()).map_err(refused)
    }

    async fn update(&mut self, advisor: &OwnAdvisor, expected: Revision) -> Result<bool, StorageError> {
        let update = self
            .scope()
            .update_many::<Column>()
            .set(changeable(advisor))
            .filter(Column::OrganizationId.eq(advisor.organization_id.as_uuid()))
            .filter(Column::Id.eq(advisor.id.as_str()))
            .filter(Column::Revision.eq(expected.get()));
        Ok(update.exec(self).await.map_err(storage)?.rows_affected == 1)
    }

    async fn delete(&mut self, id: &AdvisorId, expected: Revision) -> Result<bool, StorageError> {
        self.check_one_organization()?;
        let delete = self
            .scope()
            .delete_many::<Column>()
            .filter(Column::Id.eq(id.as_str()))
            .filter(Column::Revision.eq(expected.get()));
        Ok(delete.exec(self).await.map_err(storage)?.rows_affected == 1)
    }
}
