use std::io::{Write as _, stdout};

use chrono::{DateTime, Duration, Utc};
use tenantry_application::{NewcomerOrganization, SignUpError, SignedUp};
use tenantry_identity::{Email, FullName, NewAccount, Password, UserKey, Username};
use tenantry_kernel::{Clock as _, SystemClock, UserId};
use tenantry_tasks::{DueAt, Labels, NewTask, Priority, Status, TaskDescription, TaskTitle};
use tenantry_tenancy::{
    Metadata, NewProject, OrganizationName, ProjectDescription, ProjectId, ProjectName, Role, TenantContext,
};

use super::Failure;
use crate::node::Node;
use crate::settings::Settings;

const COMPANY: &str = "Harbour Street Bakery";

/// The people: name, sign-in name, role. The first founds the company.
const PEOPLE: [(&str, &str, Role); 4] = [
    ("Marta Kowalska", "marta", Role::Owner),
    ("Idris Bello", "idris", Role::Admin),
    ("Sofia Lindqvist", "sofia", Role::Member),
    ("Tom Okafor", "tom", Role::Guest),
];

const PROJECTS: [(&str, &str); 2] = [
    ("Second oven", "Buying, placing and paying for a second deck oven before the winter season."),
    ("Online orders", "Customers order bread on the web until eight in the evening and fetch it in the morning."),
];

/// The tasks: title, description, project, assignee, priority, days from now until due, labels, done.
#[rustfmt::skip]
const TASKS: [(&str, Option<&str>, Option<usize>, Option<usize>, i64, Option<i64>, &[&str], bool); 10] = [
    ("Compare three oven offers", Some("Price, energy use, time to deliver."), Some(0), Some(1), 3, Some(-6), &["purchase"], true),
    ("Ask the landlord about the power line", None, Some(0), Some(0), 4, Some(2), &["purchase", "building"], false),
    ("Measure the back room", Some("The oven is 1.92 m wide with its hood."), Some(0), Some(2), 2, Some(1), &["building"], false),
    ("Write down what a customer must be told", Some("Allergens, deadline, how to cancel."), Some(1), Some(2), 2, Some(9), &["web"], false),
    ("Take photographs of every loaf", None, Some(1), Some(3), 1, Some(5), &["web", "shop"], false),
    ("Try the order form on an old phone", None, Some(1), Some(2), 2, Some(12), &["web"], false),
    ("Choose who answers the orders mailbox", None, Some(1), Some(1), 3, Some(-1), &["people"], true),
    ("Order rye flour", Some("40 sacks, delivery on a Tuesday."), None, Some(1), 4, Some(0), &["stock"], false),
    ("Roster for the holidays", None, None, Some(0), 3, Some(20), &["people"], false),
    ("Repaint the shop sign", None, None, None, 0, None, &["shop"], false),
];

/// Fills the database with a believable organisation.
pub(super) async fn run(settings: Settings) -> Result<(), Failure> {
    let node = Node::open(settings).await?;
    let password = node.one_time_password();
    let owner = found_company(&node, &password).await?;
    let people = hire(&node, &owner, &password).await?;
    let projects = start_projects(&node, &owner.context).await?;
    plan(&node, &owner.context, &people, &projects).await?;
    node.database.close().await;
    announce(&password).map_err(Failure::because)
}

async fn found_company(node: &Node, password: &Password) -> Result<SignedUp, Failure> {
    let name = OrganizationName::parse(COMPANY).map_err(Failure::because)?;
    let [(full_name, username, _), ..] = PEOPLE;
    let account = account(full_name, username, password)?;
    match node.services.sign_up.sign_up(account, NewcomerOrganization::Company(name)).await {
        Err(SignUpError::Taken(UserKey::Email | UserKey::Username)) => {
            Err(Failure::because("the demonstration is in this database already"))
        }
        outcome => outcome.map_err(Failure::because),
    }
}

/// Everybody's accounts, in the order of [`PEOPLE`].
async fn hire(node: &Node, owner: &SignedUp, password: &Password) -> Result<Vec<UserId>, Failure> {
    let mut people = vec![owner.user.id];
    for (full_name, username, role) in PEOPLE.into_iter().skip(1) {
        let account = account(full_name, username, password)?;
        let signed_up = node.services.sign_up.sign_up(account, NewcomerOrganization::Personal).await;
        let user_id = signed_up.map_err(Failure::because)?.user.id;
        node.services.members.add(&owner.context, user_id, role).await.map_err(Failure::because)?;
        people.push(user_id);
    }
    Ok(people)
}

fn account(full_name: &str, username: &str, password: &Password) -> Result<NewAccount, Failure> {
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
            name: ProjectName::parse(name).map_err(Failure::because)?,
            description: Some(ProjectDescription::parse(description).map_err(Failure::because)?),
            metadata: Metadata::default(),
        };
        projects.push(node.projects.create(owner, new).await.map_err(Failure::because)?.id);
    }
    Ok(projects)
}

async fn plan(node: &Node, owner: &TenantContext, people: &[UserId], projects: &[ProjectId]) -> Result<(), Failure> {
    let now = SystemClock.now();
    for (title, description, project, assignee, priority, days, labels, done) in TASKS {
        let labels: Vec<String> = labels.iter().map(|label| (*label).to_owned()).collect();
        let new = NewTask {
            description: description.map(TaskDescription::parse).transpose().map_err(Failure::because)?,
            status: if done { Status::Completed } else { Status::Pending },
            project_id: project.and_then(|index| projects.get(index)).copied(),
            assignee_id: assignee.and_then(|index| people.get(index)).copied(),
            priority: Priority::parse(priority).map_err(Failure::because)?,
            due_at: days.map(|days| due(now, days)).transpose()?,
            labels: Labels::parse(&labels).map_err(Failure::because)?,
            ..NewTask::titled(TaskTitle::parse(title).map_err(Failure::because)?)
        };
        node.services.tasks.create(owner, new).await.map_err(Failure::because)?;
    }
    Ok(())
}

fn due(now: DateTime<Utc>, days: i64) -> Result<DueAt, Failure> {
    DueAt::parse(now + Duration::days(days)).map_err(Failure::because)
}

fn announce(password: &Password) -> std::io::Result<()> {
    let mut out = stdout().lock();
    writeln!(out, "{COMPANY} is there, with {} projects and {} tasks. Sign in as:", PROJECTS.len(), TASKS.len())?;
    for (full_name, username, role) in PEOPLE {
        writeln!(out, "  {username:<8} {full_name} ({role})")?;
    }
    writeln!(out, "Everybody's password: {}", password.expose())?;
    out.flush()
}
