use chrono::Duration;
use futures_util::future::join_all;
use tenantry_identity::{Email, LinkDigest, ports::LinkSecrets as _};
use tenantry_kernel::{Clock as _, IdGenerator as _, PageLimit, PageRequest, Revision, SystemIds};
use tenantry_tenancy::{FoundInvitation, Invitation, InvitationId, Role};

use crate::{ClearLinks, Person, World, contract::contract};

fn new_digest() -> LinkDigest {
    LinkDigest(ClearLinks.digest_token(&ClearLinks.generate()))
}

impl World {
    /// An invitation to the person's organisation that is not stored yet.
    fn invitation(&self, to: &Person, email: &Email) -> Invitation {
        let now = self.clock.now();
        Invitation {
            id: InvitationId::generate(&SystemIds),
            organization_id: to.owner.organization_id(),
            email: email.clone(),
            role: Role::Member,
            digest: new_digest(),
            invited_by: to.user.id,
            created_at: now,
            expires_at: now + Duration::days(7),
            accepted_at: None,
            revision: Revision::FIRST,
        }
    }

    /// An invitation of somebody without an account.
    async fn stored_invitation(&self, to: &Person) -> Invitation {
        let (nobody, ..) = self.newcomer().await;
        let invitation = self.invitation(to, &nobody.email);
        assert!(self.store_invitation(to, &invitation).await);
        invitation
    }

    async fn store_invitation(&self, person: &Person, invitation: &Invitation) -> bool {
        let mut transaction = self.ports.tenancy.begin(&person.owner).await.expect("a transaction");
        let is_new = transaction.invitations().insert(invitation).await.expect("an answer");
        transaction.commit().await.expect("a commit");
        is_new
    }

    async fn find_invitation(&self, person: &Person, id: InvitationId) -> Option<Invitation> {
        let mut transaction = self.ports.tenancy.read(&person.owner).await.expect("a transaction");
        transaction.invitations().find(id).await.expect("an answer")
    }

    async fn look_up(&self, digest: &LinkDigest) -> Option<FoundInvitation> {
        self.ports.invitation_lookup.find(digest).await.expect("an answer")
    }

    /// Whether `person` used the invitation up, so many days from now.
    async fn use_invitation(&self, person: &Person, invitation: &Invitation, days: i64) -> bool {
        let at = self.clock.now() + Duration::days(days);
        let mut transaction = self.ports.tenancy.begin(&person.owner).await.expect("a transaction");
        let used = transaction.invitations().use_up(invitation.id, &invitation.digest, at).await;
        transaction.commit().await.expect("a commit");
        used.expect("an answer")
    }
}

contract! {
    /// What every adapter of invitations promises.
    INVITATIONS(world: World)

    async fn c13_an_invitation_is_found_by_id_address_and_token() {
        let person = world.person().await;
        let invitation = world.stored_invitation(&person).await;
        assert_eq!(world.find_invitation(&person, invitation.id).await, Some(invitation.clone()));
        let mut transaction = world.ports.tenancy.read(&person.owner).await.unwrap();
        let shouted = Email::parse(&invitation.email.as_str().to_uppercase()).unwrap();
        assert_eq!(transaction.invitations().find_pending(&shouted).await.unwrap(), Some(invitation.clone()));
        let organization = transaction.organizations().find(invitation.organization_id).await.unwrap().unwrap();
        drop(transaction);
        let found = world.look_up(&invitation.digest).await.unwrap();
        let organization_name = organization.name;
        assert_eq!(found, FoundInvitation { invitation, organization_name, is_open: true, account_exists: false });
        assert_eq!(world.look_up(&new_digest()).await, None);
    }

    async fn c13_the_look_up_tells_whether_there_is_an_account_and_the_organisation_is_open() {
        let (person, guest) = (world.person().await, world.person().await);
        let invitation = world.invitation(&person, &guest.user.email);
        assert!(world.store_invitation(&person, &invitation).await);
        assert!(world.look_up(&invitation.digest).await.unwrap().account_exists);
        let mut own = world.begin(&person).await;
        own.own_memberships().delete_organization(person.owner.organization_id(), world.clock.now()).await.unwrap();
        own.commit().await.unwrap();
        assert!(!world.look_up(&invitation.digest).await.unwrap().is_open);
    }

    async fn c13_an_address_has_one_pending_invitation_to_an_organisation() {
        let (person, other) = (world.person().await, world.person().await);
        let first = world.stored_invitation(&person).await;
        let second = world.invitation(&person, &first.email);
        assert!(!world.store_invitation(&person, &second).await);
        assert!(world.store_invitation(&other, &world.invitation(&other, &first.email)).await);
        assert!(world.use_invitation(&person, &first, 1).await);
        assert!(world.store_invitation(&person, &second).await);
        let many: Vec<Invitation> = (0..6).map(|_| world.invitation(&person, &other.user.email)).collect();
        let stored = join_all(many.iter().map(|one| world.store_invitation(&person, one))).await;
        assert_eq!(stored.into_iter().filter(|is_new| *is_new).count(), 1);
    }

    async fn c13_a_renewed_invitation_has_another_token() {
        let person = world.person().await;
        let old = world.stored_invitation(&person).await;
        let renewed = Invitation {
            digest: new_digest(),
            role: Role::Admin,
            created_at: old.created_at + Duration::hours(1),
            expires_at: old.expires_at + Duration::hours(1),
            revision: old.revision.next(),
            ..old.clone()
        };
        let mut transaction = world.ports.tenancy.begin(&person.owner).await.unwrap();
        assert!(transaction.invitations().update(&renewed).await.unwrap());
        transaction.commit().await.unwrap();
        assert_eq!(world.look_up(&old.digest).await, None);
        assert!(!world.use_invitation(&person, &old, 1).await);
        assert_eq!(world.look_up(&renewed.digest).await.unwrap().invitation, renewed);
        assert!(world.use_invitation(&person, &renewed, 1).await);
        let mut transaction = world.ports.tenancy.begin(&person.owner).await.unwrap();
        assert!(!transaction.invitations().update(&old).await.unwrap());
        assert!(!transaction.invitations().delete(old.id).await.unwrap());
    }

    async fn c13_an_invitation_is_used_once_in_its_time_however_many_try() {
        let person = world.person().await;
        let invitation = world.stored_invitation(&person).await;
        assert!(!world.use_invitation(&person, &invitation, 7).await);
        let tries = (0..8).map(|_| world.use_invitation(&person, &invitation, 6));
        assert_eq!(join_all(tries).await.into_iter().filter(|is_first| *is_first).count(), 1);
        let used = world.look_up(&invitation.digest).await.unwrap().invitation;
        assert_eq!(used.accepted_at, Some(world.clock.now() + Duration::days(6)));
    }

    async fn c13_invitations_are_listed_the_newest_first() {
        let person = world.person().await;
        let mut newest_first = Vec::new();
        for _ in 0..3 {
            world.clock.advance(Duration::seconds(1));
            newest_first.insert(0, world.stored_invitation(&person).await);
        }
        let limit = PageLimit::new(2).unwrap();
        let mut transaction = world.ports.tenancy.read(&person.owner).await.unwrap();
        let first = transaction.invitations().list(&PageRequest::Number { page: 1, limit }).await.unwrap();
        assert_eq!((first.total, first.items.as_slice()), (Some(3), &newest_first[..2]));
        let rest = PageRequest::After { cursor: first.next.unwrap(), limit };
        assert_eq!(transaction.invitations().list(&rest).await.unwrap().items, newest_first[2..]);
    }

    async fn c13_a_revoked_invitation_is_gone() {
        let person = world.person().await;
        let invitation = world.stored_invitation(&person).await;
        let mut transaction = world.ports.tenancy.begin(&person.owner).await.unwrap();
        assert!(transaction.invitations().delete(invitation.id).await.unwrap());
        assert!(!transaction.invitations().delete(invitation.id).await.unwrap());
        transaction.commit().await.unwrap();
        assert_eq!(world.look_up(&invitation.digest).await, None);
    }

    async fn c13_invitations_are_purged_in_their_time() {
        let person = world.person().await;
        let invitation = world.stored_invitation(&person).await;
        world.purge(invitation.expires_at - Duration::microseconds(1)).await;
        assert!(world.find_invitation(&person, invitation.id).await.is_some());
        world.purge(invitation.expires_at).await;
        assert_eq!(world.find_invitation(&person, invitation.id).await, None);
    }

    async fn c6_nobody_touches_the_invitations_of_another_organisation() {
        let (person, other) = (world.person().await, world.person().await);
        let invitation = world.stored_invitation(&person).await;
        assert_eq!(world.find_invitation(&other, invitation.id).await, None);
        assert!(!world.use_invitation(&other, &invitation, 1).await);
        let mut transaction = world.ports.tenancy.begin(&other.owner).await.unwrap();
        let invitations = transaction.invitations();
        assert_eq!(invitations.find_pending(&invitation.email).await.unwrap(), None);
        let number = PageRequest::Number { page: 1, limit: PageLimit::default() };
        assert_eq!(invitations.list(&number).await.unwrap().items, []);
        assert!(!invitations.update(&Invitation { role: Role::Owner, ..invitation.clone() }).await.unwrap());
        assert!(!invitations.delete(invitation.id).await.unwrap());
        transaction.commit().await.unwrap();
        assert_eq!(world.find_invitation(&person, invitation.id).await, Some(invitation));
    }

    async fn c6_nobody_is_invited_to_another_organisation() {
        let (person, other) = (world.person().await, world.person().await);
        let email = Email::parse(&format!("{}@example.com", SystemIds.next_id().simple())).unwrap();
        let smuggled = world.invitation(&person, &email);
        let mut transaction = world.ports.tenancy.begin(&other.owner).await.unwrap();
        assert!(transaction.invitations().insert(&smuggled).await.is_err());
    }
}
