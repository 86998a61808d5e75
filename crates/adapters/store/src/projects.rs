use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, FromQueryResult, QueryFilter, QueryTrait, Select};
use serde_json::Value;
use tenantry_kernel::{OrganizationId, Page, PageRequest, Revision, StorageError};
use tenantry_tenancy::{
    BucketName, Project, ProjectDescription, ProjectFilter, ProjectId, ProjectName, StoragePrefix,
    ports::ProjectRepository,
};

use crate::StoreTransaction;
use crate::error::storage;
use crate::listing::SortBy;
use crate::organizations::metadata_from;
use crate::row::corrupt;
use crate::scope::projects::{ActiveModel, Column, Model};
use crate::search::{has_word, search_text};

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
        bucket_name: row.bucket_name.map(|name| BucketName::parse(&name).or(Err(broken("bucket_name")))).transpose()?,
        storage_prefix: row
            .storage_prefix
            .map(|prefix| StoragePrefix::parse(&prefix).or(Err(broken("storage_prefix"))))
            .transpose()?,
        metadata: metadata_from(row.metadata).ok_or_else(|| broken("metadata"))?,
        created_at: row.created_at,
        updated_at: row.updated_at,
        revision: Revision::from_stored(row.revision),
    })
}

/// All that may change; the ids and the time of creation stay out.
fn changeable(project: &Project) -> ActiveModel {
    let description = project.description.as_ref().map(ProjectDescription::as_str);
    ActiveModel {
        name: Set(project.name.as_str().to_owned()),
        description: Set(description.map(str::to_owned)),
        is_active: Set(project.is_active),
        bucket_name: Set(project.bucket_name.as_ref().map(|name| name.as_str().to_owned())),
        storage_prefix: Set(project.storage_prefix.as_ref().map(|prefix| prefix.as_str().to_owned())),
        metadata: Set(Value::Object(project.metadata.as_map().clone())),
        updated_at: Set(project.updated_at),
        revision: Set(project.revision.get()),
        search_text: Set(search_text(&[project.name.as_str(), description.unwrap_or_default()])),
        ..Default::default()
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

    async fn list(&mut self, filter: &ProjectFilter, page: &PageRequest) -> Result<Page<Project>, StorageError> {
        let backend = self.get_database_backend();
        let all = self
            .scope()
            .select::<Column>()
            .filter(Column::DeletedAt.is_null())
            .apply_if(filter.is_active, |select, is_active| select.filter(Column::IsActive.eq(is_active)));
        let with_word = |select: Select<_>, word: &String| select.filter(has_word(backend, Column::SearchText, word));
        let all = filter.words.iter().fold(all, with_word).into_query();
        let (rows, total) = self.page_of(all, NEWEST_FIRST, page).await?;
        let read = |row| Model::from_query_result(row, "").map_err(storage).and_then(project_from);
        let projects = rows.iter().map(read).collect::<Result<_, _>>()?;
        Ok(Page::from_probe(projects, page.limit(), total, Project::cursor))
    }

    async fn insert(&mut self, project: &Project) -> Result<bool, StorageError> {
        let row = ActiveModel {
            organization_id: Set(project.organization_id.as_uuid()),
            id: Set(project.id.as_uuid()),
            created_at: Set(project.created_at),
            deleted_at: Set(None),
            ..changeable(project)
        };
        let insert = self.scope().insert(row)?.on_conflict_do_nothing_on([Column::OrganizationId, Column::Id]);
        self.insert_new(insert).await
    }

    async fn update(&mut self, project: &Project, expected: Revision) -> Result<bool, StorageError> {
        self.change_project(project.id, expected, changeable(project)).await
    }

    async fn delete(&mut self, id: ProjectId, expected: Revision, at: DateTime<Utc>) -> Result<bool, StorageError> {
        let change = ActiveModel {
            deleted_at: Set(Some(at)),
            updated_at: Set(at),
            revision: Set(expected.next().get()),
            ..Default::default()
        };
        self.change_project(id, expected, change).await
    }
}

impl StoreTransaction {
    /// Changes a project that is not deleted, if its revision is the expected one; tells whether it was.
    async fn change_project(
        &self,
        id: ProjectId,
        expected: Revision,
        change: ActiveModel,
    ) -> Result<bool, StorageError> {
        let update = self
            .scope()
            .update_many::<Column>()
            .set(change)
            .filter(Column::Id.eq(id.as_uuid()))
            .filter(Column::Revision.eq(expected.get()))
            .filter(Column::DeletedAt.is_null());
        Ok(update.exec(self).await.map_err(storage)?.rows_affected == 1)
    }
}
