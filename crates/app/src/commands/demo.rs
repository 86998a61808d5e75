mod asking;
mod story;
mod syncing;

use std::io::{Write as _, stdout};

use chrono::{DateTime, Duration, Utc};
use tenantry_application::{NewcomerOrganization, SignUpError, SignedUp};
use tenantry_identity::{Email, FullName, NewAccount, Password, UserKey, Username};
use tenantry_kernel::{Clock as _, SystemClock, UserId};
use tenantry_tasks::{DueAt, Labels, NewTask, Priority, Status, TaskDescription, TaskTitle};
use tenantry_tenancy::{NewProject, OrganizationName, ProjectDescription, ProjectId, ProjectName, TenantContext};

use self::story::{CHORES, COMPANY, Character, Chore, FOLDERS, FOUNDER, PROJECTS, STAFF};
use crate::failure::Failure;
use crate::node::Node;
use crate::settings::Settings;

/// Fills the database with a believable organisation.
pub(super) async fn run(settings: Settings) -> Result<(), Failure> {
    let node = Node::open(settings).await?;
    let password = node.one_time_password();
    let owner = found_company(&node, &password).await?;
    let people = hire(&node, &owner, &password).await?;
    let projects = start_projects(&node, &owner.context).await?;
    plan(&node, &owner.context, &people, &projects).await?;
    syncing::set_up(&node, &owner.context, &projects).await?;
    Box::pin(asking::ask(&node, &owner.context)).await?;
    node.database.close().await;
    announce(&password).map_err(Failure::because)
}

async fn found_company(node: &Node, password: &Password) -> Result<SignedUp, Failure> {
    let name = OrganizationName::parse(COMPANY).map_err(Failure::because)?;
    let account = account(&FOUNDER, password)?;
    match node.services.sign_up.sign_up(account, NewcomerOrganization::Company(name), None).await {
        Err(SignUpError::Taken(UserKey::Email | UserKey::Username)) => {
            Err(Failure::because("the demonstration is in this database already"))
        }
        outcome => outcome.map_err(Failure::because),
    }
}

/// Everybody's accounts, the founder's first.
async fn hire(node: &Node, owner: &SignedUp, password: &Password) -> Result<Vec<UserId>, Failure> {
    let mut people = vec![owner.user.id];
    for character in &STAFF {
        let account = account(character, password)?;
        let signed_up = node.services.sign_up.sign_up(account, NewcomerOrganization::Personal, None).await;
        let user_id = signed_up.map_err(Failure::because)?.user.id;
        node.services.members.add(&owner.context, user_id, character.role).await.map_err(Failure::because)?;
        people.push(user_id);
    }
    Ok(people)
}

fn account(character: &Character, password: &Password) -> Result<NewAccount, Failure> {
    let Character { full_name, username, role: _ } = *character;
    Ok(NewAccount {
        email: Email::parse(&format!("{username}@harbour-street.example")).map_err(Failure::because)?,
        username: Some(Username::parse(username).map_err(Failure::because)?),
        full_name: Some(FullName::parse(full_name).map_err(Failure::because)?),
        password: password.clone(),
        is_platform_admin: false,
        must_change_password: false,
    })
}

async fn start_projects(node: &Node, owner: &TenantContext) -> Result<Vec<ProjectId>, Failure> {
    let mut projects = Vec::new();
    for (name, description) in PROJECTS {
        let new = NewProject {
            description: Some(ProjectDescription::parse(description).map_err(Failure::because)?),
            ..NewProject::named(ProjectName::parse(name).map_err(Failure::because)?)
        };
        projects.push(node.services.projects.create(owner, new).await.map_err(Failure::because)?.id);
    }
    Ok(projects)
}

async fn plan(node: &Node, owner: &TenantContext, people: &[UserId], projects: &[ProjectId]) -> Result<(), Failure> {
    let now = SystemClock.now();
    for chore in &CHORES {
        let new = task(chore, people, projects, now)?;
        node.services.tasks.create(owner, new).await.map_err(Failure::because)?;
    }
    Ok(())
}

fn task(chore: &Chore, people: &[UserId], projects: &[ProjectId], now: DateTime<Utc>) -> Result<NewTask, Failure> {
    let labels: Vec<String> = chore.labels.iter().map(|label| (*label).to_owned()).collect();
    Ok(NewTask {
        description: chore.description.map(TaskDescription::parse).transpose().map_err(Failure::because)?,
        status: if chore.done { Status::Completed } else { Status::Pending },
        project_id: chore.project.and_then(|place| projects.get(place)).copied(),
        assignee_id: chore.assignee.and_then(|place| people.get(place)).copied(),
        priority: Priority::parse(chore.priority).map_err(Failure::because)?,
        due_at: chore.due_in_days.map(|days| due(now, days)).transpose()?,
        labels: Labels::parse(&labels).map_err(Failure::because)?,
        ..NewTask::titled(TaskTitle::parse(chore.title).map_err(Failure::because)?)
    })
}

fn due(now: DateTime<Utc>, days: i64) -> Result<DueAt, Failure> {
    DueAt::parse(now + Duration::days(days)).map_err(Failure::because)
}

fn announce(password: &Password) -> std::io::Result<()> {
    let mut out = stdout().lock();
    writeln!(out, "{COMPANY} is there, with {} projects and {} tasks. Sign in as:", PROJECTS.len(), CHORES.len())?;
    for Character { full_name, username, role } in [&FOUNDER].into_iter().chain(&STAFF) {
        writeln!(out, "  {username:<8} {full_name} ({role})")?;
    }
    writeln!(out, "Its sync sessions can be started where sync.allowed_roots names {FOLDERS}.")?;
    writeln!(out, "Everybody's password: {}", password.expose())?;
    out.flush()
}
