use std::sync::Arc;

use tenantry_kernel::{Clock, IdGenerator, Page, PageRequest, Precondition, Store, UserId};
use tenantry_tenancy::{Permission, ProjectId, TenantContext};

use crate::{
    Completion, NewTask, Task, TaskAccess, TaskChange, TaskError, TaskFilter, TaskId, TaskScope, TaskSort, Visibility,
    ports::TaskTransaction,
};

/// What people do with tasks.
pub struct Tasks {
    store: Arc<dyn Store<TenantContext, dyn TaskTransaction>>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdGenerator>,
}

impl Tasks {
    /// The use cases over these ports.
    #[must_use]
    pub fn new(
        store: Arc<dyn Store<TenantContext, dyn TaskTransaction>>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdGenerator>,
    ) -> Self {
        Self { store, clock, ids }
    }

    /// A page of the organisation's tasks.
    ///
    /// # Errors
    /// [`TaskError::Forbidden`] when all of the organisation's are asked for without the right to manage them.
    pub async fn list(
        &self,
        context: &TenantContext,
        scope: TaskScope,
        filter: &TaskFilter,
        sort: TaskSort,
        page: &PageRequest,
    ) -> Result<Page<Task>, TaskError> {
        let visibility = visibility(context, scope)?;
        let mut transaction = self.store.read(context).await?;
        Ok(transaction.tasks().list(visibility, filter, sort, page).await?)
    }

    /// One task.
    ///
    /// # Errors
    /// [`TaskError::NotFound`]; [`TaskError::Forbidden`] for another member's.
    pub async fn find(&self, context: &TenantContext, id: TaskId) -> Result<Task, TaskError> {
        let mut transaction = self.store.read(context).await?;
        permitted(transaction.as_mut(), context, id, TaskAccess::Work).await
    }

    /// Makes a task. With an id that was reserved before, making it again answers the task that is there.
    ///
    /// # Errors
    /// [`TaskError::Forbidden`] for a guest; [`TaskError::UnknownProject`], [`TaskError::UnknownAssignee`].
    pub async fn create(&self, context: &TenantContext, new: NewTask) -> Result<Task, TaskError> {
        context.require(Permission::WriteTasks)?;
        let id = new.id.unwrap_or_else(|| TaskId::generate(&*self.ids));
        let task = Task::create(new, id, context.organization_id(), context.user_id()?, self.clock.now());
        let mut transaction = self.store.begin(context).await?;
        check_references(transaction.as_mut(), task.project_id, task.assignee_id).await?;
        if !transaction.tasks().insert(&task).await? {
            return permitted(transaction.as_mut(), context, id, TaskAccess::Full).await;
        }
        transaction.commit().await?;
        Ok(task)
    }

    /// Changes a task.
    ///
    /// # Errors
    /// [`TaskError::NotFound`], [`TaskError::Forbidden`], [`TaskError::UnknownProject`],
    /// [`TaskError::UnknownAssignee`]; [`TaskError::RevisionMismatch`] when `precondition` does not allow the stored one.
    pub async fn update(
        &self,
        context: &TenantContext,
        id: TaskId,
        change: TaskChange,
        precondition: &Precondition,
    ) -> Result<Task, TaskError> {
        let mut transaction = self.store.begin(context).await?;
        let stored = permitted(transaction.as_mut(), context, id, TaskAccess::Full).await?;
        check_references(
            transaction.as_mut(),
            change.project_id.flatten(),
            change.assignee_id.flatten().filter(|assignee| stored.assignee_id != Some(*assignee)),
        )
        .await?;
        let now = self.clock.now();
        replace(transaction, stored, precondition, |task| task.changed(change, now)).await
    }

    /// Completes a task, or opens it again.
    ///
    /// # Errors
    /// As [`Tasks::update`]; an assignee may do this too.
    pub async fn complete(
        &self,
        context: &TenantContext,
        id: TaskId,
        completion: Completion,
        precondition: &Precondition,
    ) -> Result<Task, TaskError> {
        let mut transaction = self.store.begin(context).await?;
        let stored = permitted(transaction.as_mut(), context, id, TaskAccess::Work).await?;
        let now = self.clock.now();
        replace(transaction, stored, precondition, |task| task.completed(completion, now)).await
    }

    /// Deletes a task.
    ///
    /// # Errors
    /// As [`Tasks::update`].
    pub async fn delete(
        &self,
        context: &TenantContext,
        id: TaskId,
        precondition: &Precondition,
    ) -> Result<(), TaskError> {
        let mut transaction = self.store.begin(context).await?;
        let stored = permitted(transaction.as_mut(), context, id, TaskAccess::Full).await?;
        check_revision(&stored, precondition)?;
        if !transaction.tasks().delete(id, stored.revision).await? {
            return Err(TaskError::RevisionMismatch);
        }
        Ok(transaction.commit().await?)
    }
}

/// Whose tasks a list may hold.
fn visibility(context: &TenantContext, scope: TaskScope) -> Result<Visibility, TaskError> {
    match scope {
        TaskScope::Organization => {
            context.require(Permission::ManageTasks)?;
            Ok(Visibility::All)
        }
        TaskScope::Mine if context.allows(Permission::WriteTasks) => Ok(Visibility::OwnOrAssigned(context.user_id()?)),
        TaskScope::Mine => Ok(Visibility::Assigned(context.user_id()?)),
    }
}

/// The task, if the context's actor may do at least `needed` with it.
async fn permitted(
    transaction: &mut dyn TaskTransaction,
    context: &TenantContext,
    id: TaskId,
    needed: TaskAccess,
) -> Result<Task, TaskError> {
    let task = transaction.tasks().find(id).await?.ok_or(TaskError::NotFound)?;
    if task.access(context) >= needed { Ok(task) } else { Err(TaskError::Forbidden) }
}

fn check_revision(stored: &Task, precondition: &Precondition) -> Result<(), TaskError> {
    if precondition.allows(stored.revision) { Ok(()) } else { Err(TaskError::RevisionMismatch) }
}

async fn check_references(
    transaction: &mut dyn TaskTransaction,
    project_id: Option<ProjectId>,
    assignee_id: Option<UserId>,
) -> Result<(), TaskError> {
    if let Some(project_id) = project_id
        && !transaction.references().project_exists(project_id).await?
    {
        return Err(TaskError::UnknownProject);
    }
    if let Some(assignee_id) = assignee_id
        && !transaction.references().member_exists(assignee_id).await?
    {
        return Err(TaskError::UnknownAssignee);
    }
    Ok(())
}

/// Stores what `change` makes of the task, and commits.
async fn replace(
    mut transaction: Box<dyn TaskTransaction>,
    stored: Task,
    precondition: &Precondition,
    change: impl FnOnce(Task) -> Task + Send,
) -> Result<Task, TaskError> {
    check_revision(&stored, precondition)?;
    let seen = stored.revision;
    let task = change(stored);
    if !transaction.tasks().update(&task, seen).await? {
        return Err(TaskError::RevisionMismatch);
    }
    transaction.commit().await?;
    Ok(task)
}
