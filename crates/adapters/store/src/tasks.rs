use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, QueryFilter, QueryResult, QuerySelect, QueryTrait};
use tenantry_kernel::{OrganizationId, Page, PageRequest, Revision, StorageError, UserId};
use tenantry_tasks::{
    DueAt, Labels, Priority, Task, TaskDescription, TaskFilter, TaskId, TaskSort, TaskTitle, Visibility,
    ports::TaskRepository,
};
use tenantry_tenancy::ProjectId;
use uuid::Uuid;

use crate::StoreTransaction;
use crate::error::storage;
use crate::row::{RowReader, corrupt};
use crate::scope::tasks::{ActiveModel, Column, Labels as StoredLabels};
use crate::search::search_text;
use crate::task_list::TaskList;

/// The columns of a [`Task`], in the order of [`read_task`].
pub(crate) const TASK_COLUMNS: [Column; 15] = [
    Column::Id,
    Column::OrganizationId,
    Column::UserId,
    Column::ProjectId,
    Column::AssigneeId,
    Column::Title,
    Column::Description,
    Column::Status,
    Column::Priority,
    Column::DueAt,
    Column::Labels,
    Column::CompletedAt,
    Column::CreatedAt,
    Column::UpdatedAt,
    Column::Revision,
];

/// Reads [`TASK_COLUMNS`].
fn read_task(row: &QueryResult) -> Result<Task, StorageError> {
    let mut row = RowReader::new(row);
    let id: Uuid = row.take()?;
    let broken = |column| corrupt("tasks", id, column);
    Ok(Task {
        id: TaskId::from_uuid(id),
        organization_id: OrganizationId::from_uuid(row.take()?),
        user_id: UserId::from_uuid(row.take()?),
        project_id: row.take::<Option<Uuid>>()?.map(ProjectId::from_uuid),
        assignee_id: row.take::<Option<Uuid>>()?.map(UserId::from_uuid),
        title: TaskTitle::from_stored(row.take()?),
        description: row.take::<Option<String>>()?.map(TaskDescription::from_stored),
        status: row.take::<String>()?.parse().or(Err(broken("status")))?,
        priority: Priority::parse(row.take::<i16>()?.into()).or(Err(broken("priority")))?,
        due_at: row.take::<Option<DateTime<Utc>>>()?.map(DueAt::from_stored),
        labels: Labels::from_stored(row.take::<StoredLabels>()?.0),
        completed_at: row.take()?,
        created_at: row.take()?,
        updated_at: row.take()?,
        revision: Revision::from_stored(row.take()?),
    })
}

/// All that may change; the ids, the maker and the time of creation stay out.
fn changeable(task: &Task) -> ActiveModel {
    let description = task.description.as_ref().map(TaskDescription::as_str);
    ActiveModel {
        project_id: Set(task.project_id.map(ProjectId::as_uuid)),
        assignee_id: Set(task.assignee_id.map(UserId::as_uuid)),
        title: Set(task.title.as_str().to_owned()),
        description: Set(description.map(str::to_owned)),
        search_text: Set(search_text(&[task.title.as_str(), description.unwrap_or_default()])),
        status: Set(task.status.as_str().to_owned()),
        priority: Set(task.priority.get()),
        due_at: Set(task.due_at.map(DueAt::get)),
        labels: Set(StoredLabels(task.labels.as_slice().to_vec())),
        completed_at: Set(task.completed_at),
        updated_at: Set(task.updated_at),
        revision: Set(task.revision.get()),
        ..Default::default()
    }
}

#[async_trait]
impl TaskRepository for StoreTransaction {
    async fn find(&mut self, id: TaskId) -> Result<Option<Task>, StorageError> {
        let select = self.scope().select::<Column>().select_only().columns(TASK_COLUMNS);
        let select = self.lock(select.filter(Column::Id.eq(id.as_uuid()))).into_query();
        self.row(&select).await?.as_ref().map(read_task).transpose()
    }

    async fn list(
        &mut self,
        visibility: Visibility,
        filter: &TaskFilter,
        sort: TaskSort,
        page: &PageRequest,
    ) -> Result<Page<Task>, StorageError> {
        let list = TaskList::new(self.get_database_backend(), self.scope(), visibility, filter);
        let select = list.page(sort, page)?;
        let total = match page {
            PageRequest::After { .. } => None,
            PageRequest::Number { .. } => Some(self.count(&list.count()).await?),
        };
        let rows = self.rows(&select).await?;
        let tasks = rows.iter().map(read_task).collect::<Result<_, _>>()?;
        Ok(Page::from_probe(tasks, page.limit(), total, |task| sort.cursor(task)))
    }

    async fn insert(&mut self, task: &Task) -> Result<bool, StorageError> {
        let row = ActiveModel {
            organization_id: Set(task.organization_id.as_uuid()),
            id: Set(task.id.as_uuid()),
            user_id: Set(task.user_id.as_uuid()),
            created_at: Set(task.created_at),
            ..changeable(task)
        };
        let insert = self.scope().insert(row)?.on_conflict_do_nothing_on([Column::OrganizationId, Column::Id]);
        self.insert_new(insert).await
    }

    async fn update(&mut self, task: &Task, expected: Revision) -> Result<bool, StorageError> {
        let update = self
            .scope()
            .update_many::<Column>()
            .set(changeable(task))
            .filter(Column::Id.eq(task.id.as_uuid()))
            .filter(Column::Revision.eq(expected.get()));
        Ok(update.exec(self).await.map_err(storage)?.rows_affected == 1)
    }

    async fn delete(&mut self, id: TaskId, expected: Revision) -> Result<bool, StorageError> {
        let delete = self
            .scope()
            .delete_many::<Column>()
            .filter(Column::Id.eq(id.as_uuid()))
            .filter(Column::Revision.eq(expected.get()));
        Ok(delete.exec(self).await.map_err(storage)?.rows_affected == 1)
    }

    async fn leave_project(&mut self, id: ProjectId, at: DateTime<Utc>) -> Result<(), StorageError> {
        let update = self
            .scope()
            .update_many::<Column>()
            .set(ActiveModel { project_id: Set(None), updated_at: Set(at), ..Default::default() })
            .col_expr(Column::Revision, Expr::col(Column::Revision).add(1))
            .filter(Column::ProjectId.eq(id.as_uuid()));
        update.exec(self).await.map(|_| ()).map_err(storage)
    }
}
