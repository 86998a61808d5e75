//! What tasks need of the outside.
//!
//! A transaction begun for a [`TenantContext`](tenantry_tenancy::TenantContext) sees and changes the tasks of that
//! organisation only: no other organisation's task can be found, listed, changed or deleted through it. What a
//! transaction that may write has found stays locked until its end.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use tenantry_kernel::{Page, PageRequest, Revision, StorageError, Transaction, UserId};
use tenantry_tenancy::ProjectId;

use crate::{Task, TaskFilter, TaskId, TaskSort, Visibility};

/// A unit of work over one organisation's tasks.
pub trait TaskTransaction: Transaction {
    /// The tasks.
    fn tasks(&mut self) -> &mut dyn TaskRepository;
    /// What tasks refer to.
    fn references(&mut self) -> &mut dyn TaskReferences;
}

/// The tasks of the context's organisation.
#[async_trait]
pub trait TaskRepository: Send {
    /// The task.
    async fn find(&mut self, id: TaskId) -> Result<Option<Task>, StorageError>;
    /// The tasks that both `visibility` and `filter` admit, in the order of `sort`.
    async fn list(
        &mut self,
        visibility: Visibility,
        filter: &TaskFilter,
        sort: TaskSort,
        page: &PageRequest,
    ) -> Result<Page<Task>, StorageError>;
    /// Stores a new task; tells whether its id was new. A known id changes nothing.
    async fn insert(&mut self, task: &Task) -> Result<bool, StorageError>;
    /// Replaces the task if its stored revision is still `expected`; tells whether it was.
    async fn update(&mut self, task: &Task, expected: Revision) -> Result<bool, StorageError>;
    /// Deletes the task if its stored revision is still `expected`; tells whether it was.
    async fn delete(&mut self, id: TaskId, expected: Revision) -> Result<bool, StorageError>;
    /// Takes every task out of a project at `at`; the revision of each grows by one.
    async fn leave_project(&mut self, id: ProjectId, at: DateTime<Utc>) -> Result<(), StorageError>;
}

/// What tasks of the context's organisation may refer to.
#[async_trait]
pub trait TaskReferences: Send {
    /// Whether the organisation has this project; one that a transaction that may write has found stays until its end.
    async fn project_exists(&mut self, id: ProjectId) -> Result<bool, StorageError>;
    /// Whether this user is an active member of the organisation.
    async fn member_exists(&mut self, id: UserId) -> Result<bool, StorageError>;
}
