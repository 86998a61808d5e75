//! A bakery's board of things to do, and a café next door that must not see it.

use std::{error::Error, sync::Arc};

use chrono::Duration;
use embedded_tasks::MemoryStore;
use tenantry_kernel::{Clock, OrganizationId, PageRequest, Precondition, SystemClock, SystemIds, UserId};
use tenantry_tasks::{
    Completion, DueAt, Labels, NewTask, Priority, Status, Task, TaskChange, TaskFilter, TaskScope, TaskSort, TaskTitle,
    Tasks,
};
use tenantry_tenancy::{Role, TenantContext};

type Outcome<T> = Result<T, Box<dyn Error>>;

#[tokio::main]
async fn main() -> Outcome<()> {
    let store = Arc::new(MemoryStore::default());
    let (bakery, cafe) = (OrganizationId::generate(&SystemIds), OrganizationId::generate(&SystemIds));
    let rosa = hire(&store, bakery, Role::Owner)?;
    let tom = hire(&store, bakery, Role::Member)?;
    let neighbour = hire(&store, cafe, Role::Owner)?;
    let tasks = Tasks::new(store, Arc::new(SystemClock), Arc::new(SystemIds));

    println!("Rosa owns a bakery and writes down what is to be done.");
    let flour = plan(&tasks, &rosa, &tom).await?;
    show(&tasks, &rosa, TaskScope::Organization, TaskSort::from_name("-priority")).await?;

    println!("\nTom sees what is his to do, and orders the flour.");
    tasks.complete(&tom, flour.id, Completion::Set(Status::Completed), &Precondition::None).await?;
    show(&tasks, &tom, TaskScope::Mine, None).await?;

    println!("\nWhat does not work:");
    refusals(&tasks, &flour, [&rosa, &tom, &neighbour]).await;
    Ok(())
}

/// A new user and member. A real service has signed them in by its own means.
fn hire(store: &MemoryStore, organization: OrganizationId, role: Role) -> Outcome<TenantContext> {
    let user = UserId::generate(&SystemIds);
    store.add_member(organization, user, role);
    store.enter(organization, user).ok_or_else(|| "the new member can't enter".into())
}

async fn plan(tasks: &Tasks, rosa: &TenantContext, tom: &TenantContext) -> Outcome<Task> {
    let tomorrow = DueAt::parse(SystemClock.now() + Duration::days(1))?;
    let flour = NewTask {
        assignee_id: Some(tom.user_id()?),
        priority: Priority::parse(3)?,
        due_at: Some(tomorrow),
        labels: Labels::parse(&["supplies".to_owned()])?,
        ..NewTask::titled(TaskTitle::parse("Order rye flour for Monday")?)
    };
    let flour = tasks.create(rosa, flour).await?;
    for title in ["Have the oven door mended", "Write the allergen list anew"] {
        tasks.create(rosa, NewTask::titled(TaskTitle::parse(title)?)).await?;
    }
    Ok(flour)
}

async fn show(tasks: &Tasks, context: &TenantContext, scope: TaskScope, sort: Option<TaskSort>) -> Outcome<()> {
    let (filter, page) = (TaskFilter::default(), PageRequest::default());
    let page = tasks.list(context, scope, &filter, sort.unwrap_or_default(), &page).await?;
    for task in page.items {
        let mark = if task.status == Status::Completed { 'x' } else { ' ' };
        println!("  [{mark}] {} {:?} (priority {})", task.title, task.labels.as_slice(), task.priority.get());
    }
    Ok(())
}

async fn refusals(tasks: &Tasks, flour: &Task, [rosa, tom, neighbour]: [&TenantContext; 3]) {
    let seen = Precondition::OneOf(vec![flour.revision]);
    let change = TaskChange { priority: Some(Priority::default()), ..TaskChange::default() };
    tell("Tom deletes Rosa's task", &tasks.delete(tom, flour.id, &Precondition::None).await);
    tell("Rosa changes the task as she last saw it", &tasks.update(rosa, flour.id, change, &seen).await);
    tell("the café next door asks for it", &tasks.find(neighbour, flour.id).await);
}

fn tell<T>(attempt: &str, outcome: &Result<T, impl Error>) {
    match outcome {
        Ok(_) => println!("  {attempt}: done, which it should not be"),
        Err(error) => println!("  {attempt}: {error}"),
    }
}
