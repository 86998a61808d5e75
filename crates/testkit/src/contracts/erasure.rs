use std::sync::Arc;

use chrono::Duration;
use tenantry_application::ports::PurgeLimits;
use tenantry_identity::{Email, FullName, InsertUserError, LinkPurpose, LoginIdentifier, User, Username};
use tenantry_kernel::{Clock as _, PageRequest, SystemIds};
use tenantry_tasks::{NewTask, TaskFilter, TaskSort, TaskTitle, Tasks, Visibility};
use tenantry_tenancy::{NewOrganization, OrganizationName, ProjectFilter, ProjectId, Role, Slug, TenantContext};

use crate::{Person, World, contract::contract};

impl World {
    /// Somebody of whom everything is known that an account can tell.
    async fn named_person(&self) -> Person {
        let mut person = self.person().await;
        let now = self.clock.now();
        let full_name = FullName::parse("Ada Lovelace").expect("a name");
        let mut user = person.user.clone().with_profile(Some(Some(full_name)), None, now);
        (user.email_verified_at, user.last_login_at) = (Some(now), Some(now));
        let mut transaction = self.begin(&person).await;
        assert!(transaction.users().update(&user, person.user.revision).await.expect("an update"));
        transaction.commit().await.expect("a commit");
        person.user = user;
        person
    }

    pub(in crate::contracts) async fn delete(&self, person: &Person) -> User {
        let deleted = person.user.clone().deleted(self.clock.now());
        let mut transaction = self.begin(person).await;
        assert!(transaction.users().update(&deleted, person.user.revision).await.expect("an update"));
        transaction.commit().await.expect("a commit");
        deleted
    }

    /// A task in a project.
    async fn task_in(&self, context: &TenantContext, project: ProjectId) {
        let tasks = Tasks::new(Arc::clone(&self.ports.tasks), self.clock.clone(), Arc::new(SystemIds));
        let new = NewTask { project_id: Some(project), ..NewTask::titled(TaskTitle::parse("x").expect("a title")) };
        tasks.create(context, new).await.expect("a new task");
    }

    /// How many projects and tasks there are.
    async fn contents(&self, context: &TenantContext) -> (u64, u64) {
        let mut transaction = self.ports.tenancy.read(context).await.expect("a transaction");
        let (page, filter) = (PageRequest::default(), ProjectFilter::default());
        let projects = transaction.projects().list(&filter, &page).await.expect("a list").total;
        let mut transaction = self.ports.tasks.read(context).await.expect("a transaction");
        let (all, sort) = (TaskFilter::default(), TaskSort::default());
        let tasks = transaction.tasks().list(Visibility::All, &all, sort, &page).await.expect("a list").total;
        (projects.expect("a total"), tasks.expect("a total"))
    }

    /// Deletes somebody's own organisation and answers its slug.
    pub(in crate::contracts) async fn delete_organization(&self, owner: &Person) -> Slug {
        let mut transaction = self.ports.tenancy.begin(&owner.owner).await.expect("a transaction");
        let stored = transaction.organizations().find(owner.owner.organization_id()).await.expect("an answer");
        let stored = stored.expect("an organisation");
        let (slug, seen) = (stored.slug.clone(), stored.revision);
        let deleted = stored.deleted(self.clock.now());
        assert!(transaction.organizations().update(&deleted, seen).await.expect("an update"));
        transaction.commit().await.expect("a commit");
        slug
    }

    /// Whether somebody who founds an organisation finds the slug taken.
    async fn slug_is_taken(&self, person: &Person, slug: &Slug) -> bool {
        let name = OrganizationName::parse("Heir").expect("a name");
        let new = NewOrganization { slug: Some(slug.clone()), ..NewOrganization::named(name) };
        let founded = TenantContext::found(person.actor.clone(), new, self.clock.now(), &SystemIds);
        let founded = founded.expect("a foundation");
        let mut transaction = self.ports.tenancy.begin(&founded.context).await.expect("a transaction");
        transaction.organizations().insert(&founded.organization).await.is_err()
    }

    pub(in crate::contracts) async fn erase_deleted(&self) {
        let now = self.clock.now();
        let limits = PurgeLimits { erase_deleted_by: now, ..PurgeLimits::expired_by(now) };
        let report = self.ports.housekeeping.purge(limits).await.expect("a purge");
        assert!(report.accounts >= 1, "{report:?}");
    }
}

contract! {
    /// What every adapter of housekeeping promises to those who deleted their account.
    ERASURE(world: World)

    async fn l3_a_deleted_account_is_erased_in_due_time() {
        let person = world.named_person().await;
        let deleted = world.delete(&person).await;
        let (deleted_at, now) = (world.clock.now(), world.clock.now() + Duration::days(30));
        let any = PurgeLimits::expired_by(now);
        let early = PurgeLimits { erase_deleted_by: deleted_at - Duration::microseconds(1), ..any };
        world.ports.housekeeping.purge(early).await.unwrap();
        let mut transaction = world.begin(&person).await;
        assert_eq!(transaction.users().find(deleted.id).await.unwrap(), Some(deleted.clone()));
        assert!(transaction.credentials().find(deleted.id).await.unwrap().is_some());
        drop(transaction);

        let due = PurgeLimits { erase_deleted_by: deleted_at, ..any };
        assert!(world.ports.housekeeping.purge(due).await.unwrap().accounts >= 1);
        let mut transaction = world.begin(&person).await;
        let erased = User {
            email: Email::parse(&format!("erased-{}@erased.invalid", deleted.id)).unwrap(),
            username: Username::parse(&format!("erased-{}", deleted.id)).unwrap(),
            full_name: None,
            email_verified_at: None,
            last_login_at: None,
            updated_at: now,
            revision: deleted.revision.next(),
            ..deleted
        };
        assert_eq!(transaction.users().find(erased.id).await.unwrap(), Some(erased.clone()));
        assert_eq!(transaction.credentials().find(erased.id).await.unwrap(), None);
        drop(transaction);

        let again = PurgeLimits { now: now + Duration::days(1), ..due };
        assert_eq!(world.ports.housekeeping.purge(again).await.unwrap().accounts, 0);
        let mut transaction = world.begin(&person).await;
        assert_eq!(transaction.users().find(erased.id).await.unwrap(), Some(erased));
    }

    async fn l3_what_belonged_to_an_erased_account_goes_and_nothing_of_others() {
        let (person, other) = (world.named_person().await, world.person().await);
        let (session, kept) = (world.open_session(&person).await, world.open_session(&other).await);
        let reset = LinkPurpose::ResetPassword;
        let (link, kept_link) = (world.mailed_link(&person, reset).await, world.mailed_link(&other, reset).await);
        for owner in [&person, &other] {
            assert!(world.store_request(owner, &world.request(owner, "erasure")).await);
            world.second_factor(owner).await;
        }
        world.delete(&person).await;
        world.erase_deleted().await;
        let mut transaction = world.begin(&person).await;
        assert_eq!(transaction.sessions().find(session.id).await.unwrap(), None);
        drop(transaction);
        assert_eq!(world.find_request(&person, "erasure").await, None);
        assert_eq!(world.find_totp(&person).await, None);
        assert_eq!(world.find_link(&link).await, None);
        assert!(world.find_link(&kept_link).await.is_some());
        assert!(!world.use_code(&person, "one").await);
        let mut transaction = world.begin(&other).await;
        assert_eq!(transaction.users().find(other.user.id).await.unwrap(), Some(other.user.clone()));
        assert_eq!(transaction.credentials().find(other.user.id).await.unwrap(), Some(other.password_hash.clone()));
        assert_eq!(transaction.sessions().find(kept.id).await.unwrap(), Some(kept));
        drop(transaction);
        assert!(world.find_request(&other, "erasure").await.is_some());
        assert!(world.find_totp(&other).await.is_some());
        assert!(world.use_code(&other, "one").await);
    }

    async fn l3_the_names_of_an_erased_account_are_free_again() {
        let (person, newcomer) = (world.named_person().await, world.person().await);
        let heir = User {
            email: person.user.email.clone(),
            username: person.user.username.clone(),
            revision: newcomer.user.revision.next(),
            ..newcomer.user.clone()
        };
        world.delete(&person).await;
        let mut transaction = world.begin(&newcomer).await;
        let early = transaction.users().update(&heir, newcomer.user.revision).await;
        assert!(matches!(early, Err(InsertUserError::Taken(_))), "{early:?}");
        drop(transaction);
        world.erase_deleted().await;
        let mut transaction = world.begin(&newcomer).await;
        assert!(transaction.users().update(&heir, newcomer.user.revision).await.unwrap());
        transaction.commit().await.unwrap();
        let found = world.ports.credentials.find(&LoginIdentifier::new(heir.email.as_str())).await.unwrap();
        assert_eq!(found.map(|(user, _)| user), Some(heir));
    }

    async fn c8_a_deleted_organisation_is_erased_in_due_time_and_nothing_of_others() {
        let (owner, member, other) = (world.person().await, world.person().await, world.person().await);
        world.join(&owner.owner, &member, Role::Member).await;
        let id = owner.owner.organization_id();
        for person in [&owner, &other] {
            let project = world.project(&person.owner).await;
            world.task_in(&person.owner, project.id).await;
        }
        let (deleted_at, slug) = (world.clock.now(), world.delete_organization(&owner).await);
        let any = PurgeLimits::expired_by(deleted_at);
        let early = PurgeLimits { erase_deleted_by: deleted_at - Duration::microseconds(1), ..any };
        assert_eq!(world.ports.housekeeping.purge(early).await.unwrap().organizations, 0);
        assert!(world.slug_is_taken(&member, &slug).await);

        let due = PurgeLimits { erase_deleted_by: deleted_at, ..any };
        assert!(world.ports.housekeeping.purge(due).await.unwrap().organizations >= 1);
        assert!(!world.slug_is_taken(&member, &slug).await);
        for person in [&owner, &member] {
            let mut transaction = world.ports.own_memberships.read(&person.actor).await.unwrap();
            assert_eq!(transaction.own_memberships().find(id).await.unwrap(), None);
        }
        assert_eq!(world.contents(&owner.owner).await, (0, 0));
        assert_eq!(world.contents(&other.owner).await, (1, 1));
        let mut transaction = world.begin(&member).await;
        assert_eq!(transaction.users().find(member.user.id).await.unwrap(), Some(member.user.clone()));
        drop(transaction);
        assert_eq!(world.ports.housekeeping.purge(due).await.unwrap().organizations, 0);
    }

    async fn l3_nobody_can_take_the_name_that_an_erased_account_gets() {
        let (person, squatter) = (world.named_person().await, world.person().await);
        let names = User {
            email: Email::parse(&format!("erased-{}@erased.invalid", person.user.id)).unwrap(),
            username: Username::parse(&format!("erased-{}", person.user.id)).unwrap(),
            revision: squatter.user.revision.next(),
            ..squatter.user.clone()
        };
        let mut transaction = world.begin(&squatter).await;
        assert!(transaction.users().update(&names, squatter.user.revision).await.unwrap());
        transaction.commit().await.unwrap();
        world.delete(&person).await;
        world.erase_deleted().await;
        let mut transaction = world.begin(&person).await;
        let erased = transaction.users().find(person.user.id).await.unwrap().unwrap();
        assert_ne!(erased.email, person.user.email);
    }
}
