//! Members and their accounts, as their organisation manages them.

use std::collections::BTreeSet;

use tenantry_identity::{FullName, LoginIdentifier};
use tenantry_kernel::{Clock as _, Page, PageLimit, PageRequest};
use tenantry_tenancy::{
    InsertMembershipError, Member, MemberFilter, Membership, MembershipChange, Role, TenantContext,
};

use crate::{Person, World, contract::contract};

contract! {
    /// What every adapter promises about the members of organisations.
    MEMBERS(world: World)

    async fn c6_epochs_are_renewed_in_ones_own_organisation_only() {
        let (owner, member, other) = (world.person().await, world.person().await, world.person().await);
        world.join(&owner.owner, &member, Role::Guest).await;
        let epoch = async |of: &Person, at: &TenantContext| {
            let mut transaction = world.ports.tenancy.read(at).await.unwrap();
            transaction.memberships().find(of.user.id).await.unwrap().unwrap().epoch
        };
        let before = epoch(&member, &owner.owner).await;
        let elsewhere = (epoch(&other, &other.owner).await, epoch(&member, &member.owner).await);
        let mut transaction = world.ports.tenancy.begin(&owner.owner).await.unwrap();
        let renewed = transaction.memberships().renew_epochs(world.clock.now()).await.unwrap();
        transaction.commit().await.unwrap();
        let users: BTreeSet<_> = renewed.iter().map(|membership| membership.user_id).collect();
        assert_eq!(users, BTreeSet::from([owner.user.id, member.user.id]));
        assert_eq!(epoch(&member, &owner.owner).await, before + 1);
        assert!(renewed.iter().any(|one| one.user_id == member.user.id && one.epoch == before + 1), "{renewed:?}");
        assert_eq!((epoch(&other, &other.owner).await, epoch(&member, &member.owner).await), elsewhere);
    }

    async fn nobody_becomes_a_member_twice_or_without_an_account_or_of_what_is_deleted() {
        let (owner, person, deleted) = (world.person().await, world.person().await, world.person().await);
        let now = world.clock.now();
        let mut transaction = world.begin(&deleted).await;
        let gone = deleted.user.clone().deleted(now);
        assert!(transaction.users().update(&gone, deleted.user.revision).await.unwrap());
        transaction.commit().await.unwrap();
        let joining = |user_id| Membership::joining(owner.owner.organization_id(), user_id, Role::Guest, now);
        let mut transaction = world.ports.tenancy.begin(&owner.owner).await.unwrap();
        for user_id in [deleted.user.id, World::stranger()] {
            let refused = transaction.memberships().insert(&joining(user_id)).await;
            assert!(matches!(refused, Err(InsertMembershipError::Gone)), "{refused:?}");
        }
        transaction.memberships().insert(&joining(person.user.id)).await.unwrap();
        let refused = transaction.memberships().insert(&joining(person.user.id)).await;
        assert!(matches!(refused, Err(InsertMembershipError::AlreadyMember)), "{refused:?}");
        let organization = transaction.organizations().find(owner.owner.organization_id()).await.unwrap().unwrap();
        let seen = organization.revision;
        assert!(transaction.organizations().update(&organization.deleted(now), seen).await.unwrap());
        transaction.commit().await.unwrap();
        let late = world.person().await;
        let mut transaction = world.ports.tenancy.begin(&owner.owner).await.unwrap();
        let refused = transaction.memberships().insert(&joining(late.user.id)).await;
        assert!(matches!(refused, Err(InsertMembershipError::Gone)), "{refused:?}");
    }

    async fn a_membership_changes_and_ends_only_from_the_revision_that_was_seen() {
        let (owner, member) = (world.person().await, world.person().await);
        world.join(&owner.owner, &member, Role::Member).await;
        let id = member.user.id;
        let mut transaction = world.ports.tenancy.begin(&owner.owner).await.unwrap();
        let stored = transaction.memberships().find(id).await.unwrap().unwrap();
        let change = MembershipChange { role: Some(Role::Admin), is_active: Some(false) };
        let changed = stored.clone().changed(change, world.clock.now() + chrono::Duration::hours(1));
        assert!(transaction.memberships().update(&changed, stored.revision).await.unwrap());
        assert!(!transaction.memberships().update(&changed, stored.revision).await.unwrap(), "an old revision");
        assert!(!transaction.memberships().delete(id, stored.revision).await.unwrap(), "an old revision");
        transaction.commit().await.unwrap();
        let mut transaction = world.ports.tenancy.begin(&owner.owner).await.unwrap();
        assert_eq!(transaction.memberships().find(id).await.unwrap().as_ref(), Some(&changed));
        assert!(transaction.memberships().delete(id, changed.revision).await.unwrap());
        assert_eq!(transaction.memberships().find(id).await.unwrap(), None);
        transaction.commit().await.unwrap();
        let mut transaction = world.ports.own_memberships.read(&member.actor).await.unwrap();
        assert_eq!(transaction.own_memberships().list().await.unwrap().len(), 1);
    }

    async fn the_other_active_owners_are_counted() {
        let (owner, second, member) = (world.person().await, world.person().await, world.person().await);
        let count = async |of: &Person| {
            let mut transaction = world.ports.tenancy.read(&owner.owner).await.unwrap();
            transaction.memberships().count_other_owners(of.user.id).await.unwrap()
        };
        world.join(&owner.owner, &member, Role::Admin).await;
        assert_eq!((count(&owner).await, count(&member).await), (0, 1));
        world.join(&owner.owner, &second, Role::Owner).await;
        assert_eq!((count(&owner).await, count(&member).await), (1, 2));
        let mut transaction = world.ports.tenancy.begin(&owner.owner).await.unwrap();
        let stored = transaction.memberships().find(second.user.id).await.unwrap().unwrap();
        let change = MembershipChange { role: None, is_active: Some(false) };
        let changed = stored.clone().changed(change, world.clock.now());
        assert!(transaction.memberships().update(&changed, stored.revision).await.unwrap());
        transaction.commit().await.unwrap();
        assert_eq!((count(&owner).await, count(&member).await), (0, 1));
    }

    async fn c6_nobody_changes_or_ends_a_membership_elsewhere() {
        let (owner, member, other) = (world.person().await, world.person().await, world.person().await);
        world.join(&owner.owner, &member, Role::Member).await;
        let elsewhere = world.join(&other.owner, &member, Role::Member).await;
        let id = member.user.id;
        let stored = async || {
            let mut transaction = world.ports.tenancy.read(&owner.owner).await.unwrap();
            transaction.memberships().find(id).await.unwrap().unwrap()
        };
        let before = stored().await;
        let change = MembershipChange { role: Some(Role::Owner), is_active: None };
        for context in [&other.owner, &elsewhere, &member.owner] {
            let mut transaction = world.ports.tenancy.begin(context).await.unwrap();
            let changed = before.clone().changed(change, world.clock.now());
            // It may find the membership there with the same revision, which is then another one.
            let _ = transaction.memberships().update(&changed, before.revision).await;
            let _ = transaction.memberships().delete(id, before.revision).await;
            let _ = transaction.commit().await;
            assert_eq!(stored().await, before);
        }
    }

    async fn c6_members_come_back_in_pages_the_newest_first_and_none_of_others() {
        let (owner, other) = (world.person().await, world.person().await);
        let mut joined = vec![owner.user.id];
        for role in [Role::Guest, Role::Member] {
            world.clock.advance(chrono::Duration::seconds(1));
            let person = world.person().await;
            world.join(&owner.owner, &person, role).await;
            world.join(&other.owner, &person, role).await;
            joined.push(person.user.id);
        }
        joined.reverse();
        let (all, limit) = (MemberFilter::default(), PageLimit::new(2).unwrap());
        let mut transaction = world.ports.tenancy.read(&owner.owner).await.unwrap();
        let first = transaction.memberships().list(&all, &PageRequest::Number { page: 1, limit }).await.unwrap();
        let ids = |page: &Page<Member>| page.items.iter().map(|member| member.user.id).collect::<Vec<_>>();
        assert_eq!((ids(&first), first.total), (joined[..2].to_vec(), Some(3)));
        let after = PageRequest::After { cursor: first.next.clone().unwrap(), limit };
        let rest = transaction.memberships().list(&all, &after).await.unwrap();
        assert_eq!((ids(&rest), rest.total, rest.next.clone()), (joined[2..].to_vec(), None, None));
        assert_eq!(rest.items[0].user, owner.user);
        let membership = transaction.memberships().find(owner.user.id).await.unwrap().unwrap();
        assert_eq!(rest.items[0].membership, membership);
    }

    async fn members_are_found_by_role_activity_and_words() {
        let (owner, member) = (world.person().await, world.person().await);
        world.join(&owner.owner, &member, Role::Member).await;
        let mut transaction = world.ports.sign_up.begin(&owner.owner).await.unwrap();
        let named = FullName::parse("Zoë ÉTÉ 100%").unwrap();
        let user = member.user.clone().with_profile(Some(Some(named)), None, world.clock.now());
        assert!(transaction.member_accounts().update(&user, member.user.revision).await.unwrap());
        let stored = transaction.memberships().find(user.id).await.unwrap().unwrap();
        let change = MembershipChange { role: None, is_active: Some(false) };
        let changed = stored.clone().changed(change, world.clock.now());
        assert!(transaction.memberships().update(&changed, stored.revision).await.unwrap());
        transaction.commit().await.unwrap();
        let (email, one, other) = (user.email.as_str().to_uppercase(), owner.user.id, user.id);
        for (role, is_active, words, wanted) in [
            (Some(Role::Owner), None, vec![], vec![one]),
            (Some(Role::Guest), None, vec![], vec![]),
            (None, Some(true), vec![], vec![one]),
            (None, Some(false), vec![], vec![other]),
            (None, None, vec!["été", "ZOË", "0%"], vec![other]),
            (None, None, vec![email.as_str()], vec![other]),
            (None, None, vec![owner.user.username.as_str()], vec![one]),
            (None, None, vec!["1%0"], vec![]),
            (Some(Role::Owner), None, vec!["zoë"], vec![]),
        ] {
            let words = words.into_iter().map(str::to_owned).collect();
            let filter = MemberFilter { role, is_active, words };
            let mut transaction = world.ports.tenancy.read(&owner.owner).await.unwrap();
            let page = transaction.memberships().list(&filter, &PageRequest::default()).await.unwrap();
            let found: Vec<_> = page.items.iter().map(|member| member.user.id).collect();
            assert_eq!((found, page.total), (wanted.clone(), u64::try_from(wanted.len()).ok()), "{filter:?}");
        }
    }

    async fn c6_accounts_are_managed_where_they_are_members_only() {
        let (owner, member, stranger) = (world.person().await, world.person().await, world.person().await);
        world.join(&owner.owner, &member, Role::Member).await;
        let session = world.open_session(&stranger).await;
        let now = world.clock.now();
        let mut transaction = world.ports.sign_up.begin(&owner.owner).await.unwrap();
        let accounts = transaction.member_accounts();
        assert_eq!(accounts.find(member.user.id).await.unwrap(), Some(member.user.clone()));
        assert!(accounts.belongs_elsewhere(member.user.id).await.unwrap());
        assert!(!accounts.belongs_elsewhere(owner.user.id).await.unwrap());
        assert_eq!(accounts.find(stranger.user.id).await.unwrap(), None);
        let taken = stranger.user.clone().deleted(now);
        assert!(!accounts.update(&taken, stranger.user.revision).await.unwrap());
        accounts.end_sessions(stranger.user.id, now).await.unwrap();
        transaction.commit().await.unwrap();
        let mut transaction = world.begin(&stranger).await;
        assert_eq!(transaction.users().find(stranger.user.id).await.unwrap(), Some(stranger.user.clone()));
        assert_eq!(transaction.sessions().find(session.id).await.unwrap(), Some(session));
    }

    async fn an_account_is_made_changed_and_ended_by_those_who_manage_it() {
        let (owner, (user, hash, actor)) = (world.person().await, world.newcomer().await);
        let (now, organization) = (world.clock.now(), owner.owner.organization_id());
        let mut transaction = world.ports.sign_up.begin(&owner.owner).await.unwrap();
        transaction.member_accounts().insert(&user, &hash).await.unwrap();
        transaction.memberships().insert(&Membership::joining(organization, user.id, Role::Guest, now)).await.unwrap();
        // What follows is the owner's own doing again.
        assert_eq!(transaction.users().find(owner.user.id).await.unwrap(), Some(owner.user.clone()));
        transaction.commit().await.unwrap();
        let found = world.ports.credentials.find(&LoginIdentifier::new(user.email.as_str())).await.unwrap();
        assert_eq!(found, Some((user.clone(), hash)));

        let person = Person { owner: owner.owner.clone(), password_hash: owner.password_hash.clone(), user, actor };
        let session = world.open_session(&person).await;
        let mut transaction = world.ports.sign_up.begin(&owner.owner).await.unwrap();
        assert!(!transaction.member_accounts().belongs_elsewhere(person.user.id).await.unwrap());
        transaction.member_accounts().end_sessions(person.user.id, now).await.unwrap();
        let gone = person.user.clone().deleted(now);
        assert!(transaction.member_accounts().update(&gone, person.user.revision).await.unwrap());
        assert!(!transaction.member_accounts().update(&gone, person.user.revision).await.unwrap(), "an old revision");
        assert_eq!(transaction.member_accounts().find(person.user.id).await.unwrap(), None);
        transaction.commit().await.unwrap();
        let mut transaction = world.begin(&person).await;
        assert_eq!(transaction.users().find(person.user.id).await.unwrap(), Some(gone));
        assert!(transaction.sessions().find(session.id).await.unwrap().unwrap().revoked_at.is_some());
    }
}
