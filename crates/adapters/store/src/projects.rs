use async_trait::async_trait;
use sea_orm::{
    ActiveValue::{NotSet, Set},
    ColumnTrait, FromQueryResult, QueryFilter, QueryTrait,
};
use serde_json::Value;
use tenantry_kernel::{OrganizationId, Page, PageRequest, Revision, StorageError};
use tenantry_tenancy::{Project, ProjectDescription, ProjectId, ProjectName, ports::ProjectRepository};

use crate::StoreTransaction;
use crate::error::storage;
use crate::listing::{SortBy, counting};
use crate::organizations::metadata_from;
use crate::row::corrupt;
use crate::scope::projects::{ActiveModel, Column, Model};

const NEWEST_FIRST: SortBy<Column> = SortBy { key: Column::CreatedAt, id: Column::Id, descending: true };

fn project_from(row: Model) -> Result<Project, StorageError> {
    let broken = |column| corrupt("projects", row.id, column);
    Ok(Project {
        id: ProjectId::from_uuid(row.id),
        organization_id: OrganizationId::from_uuid(row.organization_id),
        name: ProjectName::parse(&row.name).or(Err(broken("name")))?,
        description: row
            .description
            .map(|text| ProjectDescription::parse(&text).or(Err(broken("description"))))
            .transpose()?,
        is_active: row.is_active,
        metadata: metadata_from(row.metadata).ok_or_else(|| broken("metadata"))?,
        created_at: row.created_at,
        updated_at: row.updated_at,
        revision: Revision::from_stored(row.revision),
    })
}

fn to_row(project: &Project) -> ActiveModel {
    ActiveModel {
        organization_id: Set(project.organization_id.as_uuid()),
        id: Set(project.id.as_uuid()),
        name: Set(project.name.as_str().to_owned()),
        description: Set(project.description.as_ref().map(|text| text.as_str().to_owned())),
        is_active: Set(project.is_active),
        bucket_name: NotSet,
        storage_prefix: NotSet,
        metadata: Set(Value::Object(project.metadata.as_map().clone())),
        created_at: Set(project.created_at),
        updated_at: Set(project.updated_at),
        deleted_at: Set(None),
        revision: Set(project.revision.get()),
    }
}

#[async_trait]
impl ProjectRepository for StoreTransaction {
    async fn find(&mut self, id: ProjectId) -> Result<Option<Project>, StorageError> {
        let select =
            self.scope().select::<Column>().filter(Column::Id.eq(id.as_uuid())).filter(Column::DeletedAt.is_null());
        let row = self.lock(select).one(self).await.map_err(storage)?;
        row.map(project_from).transpose()
    }

    async fn list(&mut self, page: &PageRequest) -> Result<Page<Project>, StorageError> {
        let all = self.scope().select::<Column>().filter(Column::DeletedAt.is_null()).into_query();
        let total = match page {
            PageRequest::Number { .. } => Some(self.count(&counting(all.clone())).await?),
            PageRequest::After { .. } => None,
        };
        let mut select = all;
        NEWEST_FIRST.order(&mut select, |column| column.as_column_ref());
        NEWEST_FIRST.window(page)?.cut(&mut select);
        let rows = self.rows(&select).await?;
        let read = |row| Model::from_query_result(row, "").map_err(storage).and_then(project_from);
        let projects = rows.iter().map(read).collect::<Result<_, _>>()?;
        Ok(Page::from_probe(projects, page.limit(), total, Project::cursor))
    }

    async fn insert(&mut self, project: &Project) -> Result<(), StorageError> {
        let insert = self.scope().insert(to_row(project))?;
        insert.exec_without_returning(self).await.map(|_| ()).map_err(storage)
    }
}
