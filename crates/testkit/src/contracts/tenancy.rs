use tenantry_identity::Actor;
use tenantry_kernel::{Clock as _, OrganizationId, PageLimit, PageRequest, SystemIds};
use tenantry_tenancy::{
    BucketName, InsertOrganizationError, Metadata, NewOrganization, Organization, OrganizationChange, OrganizationName,
    ProjectChange, ProjectDescription, ProjectFilter, ProjectId, ProjectName, Role, Slug, StoragePrefix, TenantContext,
    ports::OtherMembers,
};

use crate::{Person, World, contract::contract};

impl World {
    async fn own_organization(&self, person: &Person) -> Organization {
        let mut transaction = self.ports.tenancy.read(&person.owner).await.expect("a transaction");
        let id = person.owner.organization_id();
        transaction.organizations().find(id).await.expect("an answer").expect("an organisation")
    }
}

contract! {
    /// What every adapter of the ports of tenancy promises.
    TENANCY(world: World)

    async fn an_organisation_comes_back_as_it_was_stored() {
        let person = world.person().await;
        let name = OrganizationName::parse("Ünïcode & Söhne").unwrap();
        let metadata = serde_json::json!({"colour": "blue", "nested": {"numbers": [1, 2.5, null]}});
        let new = NewOrganization {
            contact_email: Some(person.user.email.clone()),
            metadata: Metadata::parse(metadata.as_object().cloned().unwrap()).unwrap(),
            slug: Some(Slug::from_name(person.user.username.as_str()).with_suffix("second")),
            ..NewOrganization::named(name)
        };
        let foundation = TenantContext::found(person.actor, new, world.clock.now(), &SystemIds).unwrap();
        let mut transaction = world.ports.tenancy.begin(&foundation.context).await.unwrap();
        transaction.organizations().insert(&foundation.organization).await.unwrap();
        transaction.memberships().insert(&foundation.membership).await.unwrap();
        transaction.commit().await.unwrap();
        let mut transaction = world.ports.tenancy.read(&foundation.context).await.unwrap();
        let id = foundation.organization.id;
        assert_eq!(transaction.organizations().find(id).await.unwrap(), Some(foundation.organization));
        assert_eq!(transaction.memberships().find(person.user.id).await.unwrap(), Some(foundation.membership));
        assert_eq!(transaction.memberships().find(World::stranger()).await.unwrap(), None);
    }

    async fn c6_an_account_is_found_by_its_address_where_it_is_a_member() {
        let (person, other) = (world.person().await, world.person().await);
        world.join(&other.owner, &person, Role::Guest).await;
        let shouted = tenantry_identity::Email::parse(&person.user.email.as_str().to_uppercase()).unwrap();
        let stranger = world.person().await;
        for (context, expected) in [(&person.owner, true), (&other.owner, true), (&stranger.owner, false)] {
            let mut transaction = world.ports.sign_up.begin(context).await.unwrap();
            let found = transaction.users().find_by_email(&shouted).await.unwrap();
            assert_eq!(found, expected.then(|| person.user.clone()));
        }
    }

    async fn a_taken_slug_leaves_the_transaction_usable() {
        let (taken, person) = (world.person().await, world.person().await);
        let slug = world.own_organization(&taken).await.slug;
        let name = OrganizationName::parse("Twin").unwrap();
        let new = NewOrganization { slug: Some(slug.clone()), ..NewOrganization::named(name) };
        let mut foundation = TenantContext::found(person.actor, new, world.clock.now(), &SystemIds).unwrap();
        let mut transaction = world.ports.tenancy.begin(&foundation.context).await.unwrap();
        let refused = transaction.organizations().insert(&foundation.organization).await;
        assert!(matches!(refused, Err(InsertOrganizationError::SlugTaken)), "{refused:?}");
        foundation.organization.slug = slug.with_suffix("twin");
        transaction.organizations().insert(&foundation.organization).await.unwrap();
        transaction.memberships().insert(&foundation.membership).await.unwrap();
        transaction.commit().await.unwrap();
    }

    async fn an_organisation_changes_only_from_the_revision_that_was_seen() {
        let (person, other) = (world.person().await, world.person().await);
        let organization = world.own_organization(&person).await;
        let change = OrganizationChange {
            name: Some(OrganizationName::parse("Ärger & Co").unwrap()),
            slug: Some(organization.slug.with_suffix("changed")),
            contact_email: Some(Some(person.user.email.clone())),
            metadata: Some(Metadata::parse(serde_json::json!({"a": 1}).as_object().cloned().unwrap()).unwrap()),
        };
        let changed = organization.clone().changed(change, world.clock.now() + chrono::Duration::hours(1));
        let mut transaction = world.ports.tenancy.begin(&person.owner).await.unwrap();
        assert!(transaction.organizations().update(&changed, organization.revision).await.unwrap());
        assert!(!transaction.organizations().update(&changed, organization.revision).await.unwrap(), "an old revision");
        transaction.commit().await.unwrap();
        assert_eq!(world.own_organization(&person).await, changed);
        let taken = OrganizationChange {
            slug: Some(world.own_organization(&other).await.slug),
            ..OrganizationChange::default()
        };
        let twin = changed.clone().changed(taken, world.clock.now());
        let mut transaction = world.ports.tenancy.begin(&person.owner).await.unwrap();
        let refused = transaction.organizations().update(&twin, changed.revision).await;
        assert!(matches!(refused, Err(InsertOrganizationError::SlugTaken)), "{refused:?}");
        drop(transaction);
        assert_eq!(world.own_organization(&person).await, changed);
    }

    async fn a_deleted_organisation_is_not_found_and_never_changed() {
        let person = world.person().await;
        let organization = world.own_organization(&person).await;
        let deleted = organization.clone().deleted(world.clock.now());
        let mut transaction = world.ports.tenancy.begin(&person.owner).await.unwrap();
        assert!(transaction.organizations().update(&deleted, organization.revision).await.unwrap());
        assert_eq!(transaction.organizations().find(organization.id).await.unwrap(), None);
        let revived = Organization { revision: deleted.revision.next(), ..organization };
        assert!(!transaction.organizations().update(&revived, deleted.revision).await.unwrap());
        transaction.commit().await.unwrap();
        let mut transaction = world.ports.own_memberships.read(&person.actor).await.unwrap();
        assert_eq!(transaction.own_memberships().list().await.unwrap(), vec![]);
        let own = transaction.own_memberships().find(deleted.id).await.unwrap().unwrap();
        assert_eq!(own.organization, deleted);
        assert!(!own.is_open());
    }

    async fn c6_nobody_changes_another_organisation() {
        let (person, other) = (world.person().await, world.person().await);
        let organization = world.own_organization(&person).await;
        let changed = organization.clone().deleted(world.clock.now());
        let mut transaction = world.ports.tenancy.begin(&other.owner).await.unwrap();
        assert!(!transaction.organizations().update(&changed, organization.revision).await.unwrap());
        transaction.commit().await.unwrap();
        assert_eq!(world.own_organization(&person).await, organization);
    }

    async fn people_see_their_own_memberships_the_oldest_first() {
        let (person, host) = (world.person().await, world.person().await);
        world.clock.advance(chrono::Duration::seconds(1));
        world.join(&host.owner, &person, Role::Guest).await;
        let mut transaction = world.ports.own_memberships.read(&person.actor).await.unwrap();
        let own = transaction.own_memberships().list().await.unwrap();
        let seen: Vec<_> = own.iter().map(|own| (own.organization.id, own.membership.role)).collect();
        assert_eq!(seen, [(person.owner.organization_id(), Role::Owner), (host.owner.organization_id(), Role::Guest)]);
        let found = transaction.own_memberships().find(host.owner.organization_id()).await.unwrap().unwrap();
        assert_eq!(found.organization, world.own_organization(&host).await);
    }

    async fn c6_an_organisation_and_its_members_are_invisible_to_others() {
        let (person, other) = (world.person().await, world.person().await);
        let mut transaction = world.ports.tenancy.begin(&other.owner).await.unwrap();
        assert_eq!(transaction.organizations().find(person.owner.organization_id()).await.unwrap(), None);
        assert_eq!(transaction.memberships().find(person.user.id).await.unwrap(), None);
        let mut own = world.ports.own_memberships.read(&other.actor).await.unwrap();
        assert_eq!(own.own_memberships().find(person.owner.organization_id()).await.unwrap(), None);
        assert_eq!(own.own_memberships().list().await.unwrap().len(), 1);
    }

    async fn c6_members_see_one_another_within_the_organisation_only() {
        let (owner, member, stranger) = (world.person().await, world.person().await, world.person().await);
        world.join(&owner.owner, &member, Role::Member).await;
        let mut transaction = world.ports.sign_up.read(&owner.owner).await.unwrap();
        assert_eq!(transaction.users().find(member.user.id).await.unwrap(), Some(member.user));
        assert_eq!(transaction.users().find(stranger.user.id).await.unwrap(), None);
    }

    async fn projects_come_back_in_pages_the_newest_first() {
        let person = world.person().await;
        let mut made = Vec::new();
        for _ in 0..3 {
            world.clock.advance(chrono::Duration::seconds(1));
            made.push(world.project(&person.owner).await);
        }
        made.reverse();
        let limit = PageLimit::new(2).unwrap();
        let mut transaction = world.ports.tenancy.read(&person.owner).await.unwrap();
        let all = ProjectFilter::default();
        let first = transaction.projects().list(&all, &PageRequest::Number { page: 1, limit }).await.unwrap();
        assert_eq!((first.items.as_slice(), first.total), (made.get(..2).unwrap(), Some(3)));
        let after = PageRequest::After { cursor: first.next.unwrap(), limit };
        let second = transaction.projects().list(&all, &after).await.unwrap();
        assert_eq!((second.items.as_slice(), second.total, second.next), (made.get(2..).unwrap(), None, None));
        assert_eq!(transaction.projects().find(made[0].id).await.unwrap().as_ref(), made.first());
        assert_eq!(transaction.projects().find(ProjectId::generate(&SystemIds)).await.unwrap(), None);
    }

    async fn a_project_comes_back_as_it_was_stored_and_changed() {
        let person = world.person().await;
        let project = world.project(&person.owner).await;
        let later = world.clock.now() + chrono::Duration::hours(1);
        let change = ProjectChange {
            name: Some(ProjectName::parse("Ärger").unwrap()),
            description: Some(Some(ProjectDescription::parse("with a line\nand another").unwrap())),
            is_active: Some(false),
            bucket_name: Some(Some(BucketName::parse("photos").unwrap())),
            storage_prefix: Some(Some(StoragePrefix::parse("raw/2026").unwrap())),
            metadata: Some(Metadata::parse(serde_json::json!({"a": 1}).as_object().cloned().unwrap()).unwrap()),
        };
        let changed = project.clone().changed(change, later);
        let mut transaction = world.ports.tenancy.begin(&person.owner).await.unwrap();
        assert!(!transaction.projects().insert(&changed).await.unwrap(), "a known id was taken for a new one");
        assert_eq!(transaction.projects().find(project.id).await.unwrap(), Some(project.clone()));
        assert!(transaction.projects().update(&changed, project.revision).await.unwrap());
        assert!(!transaction.projects().update(&changed, project.revision).await.unwrap(), "an old revision");
        transaction.commit().await.unwrap();
        let mut transaction = world.ports.tenancy.read(&person.owner).await.unwrap();
        assert_eq!(transaction.projects().find(project.id).await.unwrap(), Some(changed));
    }

    async fn projects_are_found_by_activity_and_words() {
        let person = world.person().await;
        let (project, other) = (world.project(&person.owner).await, world.project(&person.owner).await);
        let change = ProjectChange {
            name: Some(ProjectName::parse("Straße ÉTÉ").unwrap()),
            description: Some(Some(ProjectDescription::parse("100% _new_").unwrap())),
            is_active: Some(false),
            ..ProjectChange::default()
        };
        let changed = project.clone().changed(change, world.clock.now());
        let mut transaction = world.ports.tenancy.begin(&person.owner).await.unwrap();
        assert!(transaction.projects().update(&changed, project.revision).await.unwrap());
        for (is_active, words, wanted) in [
            (Some(false), &[][..], &[project.id][..]),
            (Some(true), &[], &[other.id]),
            (None, &["été", "straSSe"], &[]),
            (None, &["été", "STRAße", "100%", "_NEW_"], &[project.id]),
            (Some(true), &["été"], &[]),
            (None, &["1%0"], &[]),
            (None, &["moving"], &[other.id]),
        ] {
            let filter = ProjectFilter { is_active, words: words.iter().map(|word| (*word).to_owned()).collect() };
            let page = transaction.projects().list(&filter, &PageRequest::default()).await.unwrap();
            let found: Vec<_> = page.items.iter().map(|project| project.id).collect();
            assert_eq!((found.as_slice(), page.total), (wanted, u64::try_from(wanted.len()).ok()), "{filter:?}");
        }
    }

    async fn a_deleted_project_is_absent() {
        let person = world.person().await;
        let project = world.project(&person.owner).await;
        let now = world.clock.now();
        let mut transaction = world.ports.tenancy.begin(&person.owner).await.unwrap();
        assert!(!transaction.projects().delete(project.id, project.revision.next(), now).await.unwrap());
        assert!(transaction.projects().delete(project.id, project.revision, now).await.unwrap());
        assert!(!transaction.projects().delete(project.id, project.revision.next(), now).await.unwrap());
        assert_eq!(transaction.projects().find(project.id).await.unwrap(), None);
        let page = transaction.projects().list(&ProjectFilter::default(), &PageRequest::default()).await.unwrap();
        assert_eq!((page.items, page.total), (vec![], Some(0)));
        let changed = project.clone().changed(ProjectChange::default(), now);
        assert!(!transaction.projects().update(&changed, project.revision.next()).await.unwrap());
    }

    async fn c6_projects_are_invisible_to_others() {
        let (person, other) = (world.person().await, world.person().await);
        let project = world.project(&person.owner).await;
        let mut transaction = world.ports.tenancy.begin(&other.owner).await.unwrap();
        assert_eq!(transaction.projects().find(project.id).await.unwrap(), None);
        let page = transaction.projects().list(&ProjectFilter::default(), &PageRequest::default()).await.unwrap();
        assert_eq!(page.total, Some(0));
        let changed = project.clone().changed(ProjectChange::default(), world.clock.now());
        assert!(!transaction.projects().update(&changed, project.revision).await.unwrap());
        assert!(!transaction.projects().delete(project.id, project.revision, world.clock.now()).await.unwrap());
        let inserted = transaction.projects().insert(&project).await;
        assert!(inserted.is_err(), "a project was put into another organisation");
    }

    async fn owners_learn_who_else_belongs_to_their_organisation() {
        let (owner, member, co_owner) = (world.person().await, world.person().await, world.person().await);
        let id = owner.owner.organization_id();
        let others = async |person: &Person, id: OrganizationId| {
            let mut transaction = world.ports.own_memberships.begin(&person.actor).await.unwrap();
            transaction.own_memberships().count_others(id).await
        };
        assert_eq!(others(&owner, id).await.unwrap(), OtherMembers::default());
        world.join(&owner.owner, &member, Role::Member).await;
        world.join(&owner.owner, &co_owner, Role::Owner).await;
        assert_eq!(others(&owner, id).await.unwrap(), OtherMembers { members: 2, owners: 1 });
        assert!(others(&member, id).await.is_err(), "somebody else than an owner was told");
    }

    async fn an_organisation_goes_with_its_owner() {
        let (owner, stranger) = (world.person().await, world.person().await);
        let id = owner.owner.organization_id();
        let now = world.clock.now();
        let mut transaction = world.ports.own_memberships.begin(&stranger.actor).await.unwrap();
        let _ = transaction.own_memberships().delete_organization(id, now).await;
        let _ = transaction.commit().await;
        assert_eq!(world.own_organization(&owner).await.deleted_at, None);
        let mut transaction = world.ports.own_memberships.begin(&owner.actor).await.unwrap();
        transaction.own_memberships().delete_organization(id, now).await.unwrap();
        transaction.own_memberships().delete_all().await.unwrap();
        transaction.commit().await.unwrap();
        let mut transaction = world.ports.own_memberships.read(&owner.actor).await.unwrap();
        assert_eq!(transaction.own_memberships().list().await.unwrap(), vec![]);
        let mut transaction = world.ports.tenancy.read(&owner.owner).await.unwrap();
        assert_eq!(transaction.organizations().find(id).await.unwrap(), None);
    }

    async fn an_organisation_is_founded_outside_of_all_others() {
        let (ada, eve) = (world.person().await, world.person().await);
        let new = || NewOrganization::named(OrganizationName::parse("A place of one's own").unwrap());
        let found = |actor: &Actor| TenantContext::found(actor.clone(), new(), world.clock.now(), &SystemIds).unwrap();
        let (mut first, second) = (found(&ada.actor), found(&eve.actor));
        let mut transaction = world.ports.own_memberships.begin(&ada.actor).await.unwrap();
        transaction.own_memberships().found(&first.organization, &first.membership).await.unwrap();
        transaction.commit().await.unwrap();
        let mut transaction = world.ports.own_memberships.begin(&eve.actor).await.unwrap();
        let taken = transaction.own_memberships().found(&second.organization, &second.membership).await;
        assert!(matches!(taken, Err(InsertOrganizationError::SlugTaken)), "{taken:?}");
        // The transaction goes on, and nobody founds in another's name.
        let own = transaction.own_memberships().list().await.unwrap();
        assert_eq!(own.len(), 1);
        first.organization.id = OrganizationId::generate(&SystemIds);
        first.membership.organization_id = first.organization.id;
        first.organization.slug = first.organization.slug.with_suffix("another");
        let foreign = transaction.own_memberships().found(&first.organization, &first.membership).await;
        assert!(matches!(foreign, Err(InsertOrganizationError::Storage(_))), "{foreign:?}");
        let _ = transaction.commit().await;
        let mut transaction = world.ports.own_memberships.read(&ada.actor).await.unwrap();
        let own = transaction.own_memberships().list().await.unwrap();
        let names: Vec<_> = own.iter().map(|own| own.organization.name.as_str()).collect();
        assert_eq!((names.len(), names.last()), (2, Some(&"A place of one's own")));
    }
}
