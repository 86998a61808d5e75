use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use async_trait::async_trait;
use tenantry_identity::Actor;
use tenantry_kernel::{OrganizationId, StorageError, Store, UserId};
use tenantry_tasks::ports::TaskTransaction;
use tenantry_tenancy::{ProjectId, Role, TenantContext};
use tokio::{
    sync::{Mutex as AsyncMutex, OwnedMutexGuard},
    time::timeout,
};

use crate::{contents::Contents, transaction::MemoryTransaction};

/// How long a writer waits for another one of its organisation.
const PATIENCE: Duration = Duration::from_secs(5);

/// Organisations in memory, each in a room of its own: no call can name another room than that of its context.
#[derive(Debug, Default)]
pub struct MemoryStore {
    rooms: Mutex<HashMap<OrganizationId, Arc<Room>>>,
}

/// Where one organisation's contents are.
///
/// Readers share the committed contents; the one writer changes a copy of its own and puts it in their place.
#[derive(Debug, Default)]
pub(crate) struct Room {
    committed: RwLock<Arc<Contents>>,
    writer: Arc<AsyncMutex<()>>,
}

impl MemoryStore {
    /// Makes a user a member of an organisation. This stands for whatever the embedding service keeps its members in.
    pub fn add_member(&self, organization: OrganizationId, user: UserId, role: Role) {
        self.room(organization).change(|contents| {
            contents.members.insert(user, role);
        });
    }

    /// Gives an organisation a project.
    pub fn add_project(&self, organization: OrganizationId, project: ProjectId) {
        self.room(organization).change(|contents| {
            contents.projects.insert(project);
        });
    }

    /// The user within an organisation, if they are a member of it.
    ///
    /// The caller has authenticated the user by its own means.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "an embedding service vouches for its own members, here alone")]
    pub fn enter(&self, organization: OrganizationId, user: UserId) -> Option<TenantContext> {
        let role = *self.room(organization).committed().members.get(&user)?;
        Some(TenantContext::host(organization, Actor::host(user), role))
    }

    fn room(&self, organization: OrganizationId) -> Arc<Room> {
        let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(rooms.entry(organization).or_default())
    }
}

impl Room {
    pub(crate) fn committed(&self) -> Arc<Contents> {
        Arc::clone(&self.committed.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts the tasks of a writer in place of the committed ones. What else the organisation has is not the writer's.
    pub(crate) fn commit_tasks(&self, changed: &mut Contents) {
        self.change(|contents| contents.tasks = std::mem::take(&mut changed.tasks));
    }

    fn change(&self, change: impl FnOnce(&mut Contents)) {
        let mut committed = self.committed.write().unwrap_or_else(PoisonError::into_inner);
        change(Arc::make_mut(&mut committed));
    }

    async fn lock(&self) -> Result<OwnedMutexGuard<()>, StorageError> {
        let turn = timeout(PATIENCE, Arc::clone(&self.writer).lock_owned()).await;
        turn.map_err(|elapsed| StorageError::Unavailable(elapsed.into()))
    }
}

#[async_trait]
impl Store<TenantContext, dyn TaskTransaction> for MemoryStore {
    async fn read(&self, context: &TenantContext) -> Result<Box<dyn TaskTransaction>, StorageError> {
        let organization_id = context.organization_id();
        Ok(Box::new(MemoryTransaction::reading(organization_id, self.room(organization_id))))
    }

    async fn begin(&self, context: &TenantContext) -> Result<Box<dyn TaskTransaction>, StorageError> {
        let organization_id = context.organization_id();
        let room = self.room(organization_id);
        let turn = room.lock().await?;
        Ok(Box::new(MemoryTransaction::writing(organization_id, room, turn)))
    }
}
