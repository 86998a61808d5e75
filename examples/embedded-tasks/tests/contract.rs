//! The store in memory keeps every promise of the ports of tasks: the suite that Tenantry's own adapters pass.
#![cfg(test)]

use std::sync::Arc;

use async_trait::async_trait;
use embedded_tasks::MemoryStore;
use tenantry_kernel::{OrganizationId, Store, SystemIds, UserId};
use tenantry_tasks::{NewTask, Task, TaskId, TaskTitle, ports::TaskTransaction};
use tenantry_tenancy::{ProjectId, Role, TenantContext};
use tenantry_testkit::{
    contracts::{TASKS, TaskSubject, TaskWorld},
    run,
};

struct MemoryWorld(Arc<MemoryStore>);

#[async_trait]
impl TaskWorld for MemoryWorld {
    async fn organization(&self) -> TenantContext {
        let (organization, owner) = (OrganizationId::generate(&SystemIds), UserId::generate(&SystemIds));
        self.0.add_member(organization, owner, Role::Owner);
        self.0.enter(organization, owner).unwrap()
    }

    async fn member(&self, context: &TenantContext) -> UserId {
        let member = UserId::generate(&SystemIds);
        self.0.add_member(context.organization_id(), member, Role::Member);
        member
    }

    async fn project(&self, context: &TenantContext) -> ProjectId {
        let project = ProjectId::generate(&SystemIds);
        self.0.add_project(context.organization_id(), project);
        project
    }
}

#[tokio::test]
async fn keeps_the_contract_of_tasks() {
    let store = Arc::new(MemoryStore::default());
    let world = Box::new(MemoryWorld(Arc::clone(&store)));
    let subject: &'static TaskSubject = Box::leak(Box::new(TaskSubject { store, world }));
    run(TASKS, subject).await;
}

#[tokio::test]
async fn who_joins_during_a_transaction_is_not_lost() {
    let world = MemoryWorld(Arc::new(MemoryStore::default()));
    let context = world.organization().await;
    let mut transaction = begin(&world, &context).await;
    assert!(transaction.tasks().insert(&task(&context)).await.unwrap());
    let late = world.member(&context).await;
    transaction.commit().await.unwrap();
    assert!(begin(&world, &context).await.references().member_exists(late).await.unwrap());
}

#[tokio::test]
async fn a_transaction_that_only_reads_can_not_write() {
    let world = MemoryWorld(Arc::new(MemoryStore::default()));
    let context = world.organization().await;
    let mut transaction: Box<dyn TaskTransaction> = world.0.read(&context).await.unwrap();
    assert!(transaction.tasks().insert(&task(&context)).await.is_err());
}

async fn begin(world: &MemoryWorld, context: &TenantContext) -> Box<dyn TaskTransaction> {
    world.0.begin(context).await.unwrap()
}

fn task(context: &TenantContext) -> Task {
    let new = NewTask::titled(TaskTitle::parse("sweep the floor").unwrap());
    let (id, user) = (TaskId::generate(&SystemIds), context.user_id().unwrap());
    Task::create(new, id, context.organization_id(), user, chrono::DateTime::UNIX_EPOCH)
}
