use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use tenantry_kernel::{OrganizationId, Page, PageRequest, Revision, StorageError, Transaction, UserId};
use tenantry_tasks::{
    Task, TaskFilter, TaskId, TaskSort, Visibility,
    ports::{TaskReferences, TaskRepository, TaskTransaction},
};
use tenantry_tenancy::ProjectId;
use tokio::sync::OwnedMutexGuard;

use crate::{contents::Contents, list::page_of, store::Room};

/// A unit of work in one organisation's room.
///
/// It sees the contents as they were when it began, and its own changes. Those are made to a copy, so that dropping it
/// is rolling back.
pub(crate) struct MemoryTransaction {
    organization_id: OrganizationId,
    room: Arc<Room>,
    contents: Arc<Contents>,
    /// The right to write, which one transaction of an organisation has at a time: what it found stays as it is.
    turn: Option<OwnedMutexGuard<()>>,
}

impl MemoryTransaction {
    pub(crate) fn reading(organization_id: OrganizationId, room: Arc<Room>) -> Self {
        Self { organization_id, contents: room.committed(), room, turn: None }
    }

    pub(crate) fn writing(organization_id: OrganizationId, room: Arc<Room>, turn: OwnedMutexGuard<()>) -> Self {
        Self { turn: Some(turn), ..Self::reading(organization_id, room) }
    }

    /// The contents to change, copied the first time.
    fn contents_mut(&mut self) -> Result<&mut Contents, StorageError> {
        if self.turn.is_none() {
            return Err(StorageError::Internal("this transaction only reads".into()));
        }
        Ok(Arc::make_mut(&mut self.contents))
    }

    fn check_organization(&self, task: &Task) -> Result<(), StorageError> {
        if task.organization_id == self.organization_id {
            Ok(())
        } else {
            Err(StorageError::Internal("the task belongs to another organisation".into()))
        }
    }
}

#[async_trait]
impl Transaction for MemoryTransaction {
    async fn commit(mut self: Box<Self>) -> Result<(), StorageError> {
        if self.turn.is_some() {
            self.room.commit_tasks(Arc::make_mut(&mut self.contents));
        }
        Ok(())
    }
}

impl TaskTransaction for MemoryTransaction {
    fn tasks(&mut self) -> &mut dyn TaskRepository {
        self
    }

    fn references(&mut self) -> &mut dyn TaskReferences {
        self
    }
}

#[async_trait]
impl TaskRepository for MemoryTransaction {
    async fn find(&mut self, id: TaskId) -> Result<Option<Task>, StorageError> {
        Ok(self.contents.tasks.get(&id).cloned())
    }

    async fn list(
        &mut self,
        visibility: Visibility,
        filter: &TaskFilter,
        sort: TaskSort,
        page: &PageRequest,
    ) -> Result<Page<Task>, StorageError> {
        page_of(self.contents.tasks.values(), visibility, filter, sort, page)
    }

    async fn insert(&mut self, task: &Task) -> Result<bool, StorageError> {
        self.check_organization(task)?;
        if self.contents.tasks.contains_key(&task.id) {
            return Ok(false);
        }
        self.contents_mut()?.tasks.insert(task.id, task.clone());
        Ok(true)
    }

    async fn update(&mut self, task: &Task, expected: Revision) -> Result<bool, StorageError> {
        self.check_organization(task)?;
        if !self.contents.has(task.id, expected) {
            return Ok(false);
        }
        self.contents_mut()?.tasks.insert(task.id, task.clone());
        Ok(true)
    }

    async fn delete(&mut self, id: TaskId, expected: Revision) -> Result<bool, StorageError> {
        if !self.contents.has(id, expected) {
            return Ok(false);
        }
        Ok(self.contents_mut()?.tasks.remove(&id).is_some())
    }

    async fn leave_project(&mut self, id: ProjectId, at: DateTime<Utc>) -> Result<(), StorageError> {
        let tasks = self.contents_mut()?.tasks.values_mut();
        for task in tasks.filter(|task| task.project_id == Some(id)) {
            *task = Task { project_id: None, updated_at: at, revision: task.revision.next(), ..task.clone() };
        }
        Ok(())
    }
}

#[async_trait]
impl TaskReferences for MemoryTransaction {
    async fn project_exists(&mut self, id: ProjectId) -> Result<bool, StorageError> {
        Ok(self.contents.projects.contains(&id))
    }

    async fn member_exists(&mut self, id: UserId) -> Result<bool, StorageError> {
        Ok(self.contents.members.contains_key(&id))
    }
}
