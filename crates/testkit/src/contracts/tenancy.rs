use tenantry_kernel::{Clock as _, OrganizationId, PageLimit, PageRequest, SystemIds};
use tenantry_tenancy::{
    InsertOrganizationError, Metadata, NewOrganization, Organization, OrganizationName, ProjectId, Role, Slug,
    TenantContext, ports::OtherMembers,
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
        let first = transaction.projects().list(&PageRequest::Number { page: 1, limit }).await.unwrap();
        assert_eq!((first.items.as_slice(), first.total), (made.get(..2).unwrap(), Some(3)));
        let after = PageRequest::After { cursor: first.next.unwrap(), limit };
        let second = transaction.projects().list(&after).await.unwrap();
        assert_eq!((second.items.as_slice(), second.total, second.next), (made.get(2..).unwrap(), None, None));
        assert_eq!(transaction.projects().find(made[0].id).await.unwrap().as_ref(), made.first());
        assert_eq!(transaction.projects().find(ProjectId::generate(&SystemIds)).await.unwrap(), None);
    }

    async fn c6_projects_are_invisible_to_others() {
        let (person, other) = (world.person().await, world.person().await);
        let project = world.project(&person.owner).await;
        let mut transaction = world.ports.tenancy.begin(&other.owner).await.unwrap();
        assert_eq!(transaction.projects().find(project.id).await.unwrap(), None);
        assert_eq!(transaction.projects().list(&PageRequest::default()).await.unwrap().total, Some(0));
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
}
