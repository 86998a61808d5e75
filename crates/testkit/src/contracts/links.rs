use chrono::Duration;
use futures_util::future::join_all;
use tenantry_identity::{LinkDigest, LinkPurpose, MailedLink, NewLink, PointlessLink, User, ports::LinkSecrets as _};
use tenantry_kernel::Clock as _;

use crate::{ClearLinks, Person, World, contract::contract};

const RESET: LinkPurpose = LinkPurpose::ResetPassword;

impl World {
    /// A link that was asked for so many minutes from now.
    fn new_link(&self, user: &User, purpose: LinkPurpose, minutes: i64) -> NewLink {
        let issued_at = self.clock.now() + Duration::minutes(minutes);
        let digest = LinkDigest(ClearLinks.digest_token(&ClearLinks.generate()));
        NewLink { purpose, digest, email: user.email.clone(), issued_at, expires_at: issued_at + Duration::hours(1) }
    }

    async fn issue(&self, link: &NewLink) -> Result<(), PointlessLink> {
        self.ports.link_desk.issue(link).await.expect("an answer")
    }

    /// A link that was mailed to the person.
    pub(super) async fn mailed_link(&self, person: &Person, purpose: LinkPurpose) -> NewLink {
        let link = self.new_link(&person.user, purpose, 0);
        self.issue(&link).await.expect("an account");
        link
    }

    pub(super) async fn find_link(&self, link: &NewLink) -> Option<(User, MailedLink)> {
        self.ports.link_lookup.find(link.purpose, &link.digest).await.expect("an answer")
    }

    /// Whether `person` used the link up, so many minutes from now.
    async fn use_link(&self, person: &Person, link: &NewLink, minutes: i64) -> bool {
        let at = self.clock.now() + Duration::minutes(minutes);
        let mut transaction = self.begin(person).await;
        let used = transaction.links().use_up(person.user.id, link.purpose, &link.digest, at).await;
        transaction.commit().await.expect("a commit");
        used.expect("an answer")
    }
}

contract! {
    /// What every adapter of mailed links promises.
    LINKS(world: World)

    async fn l8_a_link_leads_to_the_account_that_has_its_address() {
        let person = world.person().await;
        let link = world.new_link(&person.user, RESET, 0);
        assert_eq!(world.find_link(&link).await, None);
        assert_eq!(world.issue(&link).await, Ok(()));
        let stored = link.of(&person.user, None).unwrap();
        assert_eq!(world.find_link(&link).await, Some((person.user.clone(), stored)));
        assert_eq!(world.find_link(&NewLink { purpose: LinkPurpose::VerifyEmail, ..link }).await, None);
    }

    async fn l8_an_address_without_an_account_gets_no_link() {
        let (nobody, ..) = world.newcomer().await;
        let link = world.new_link(&nobody, RESET, 0);
        assert_eq!(world.issue(&link).await, Err(PointlessLink::NoAccount));
        assert_eq!(world.find_link(&link).await, None);

        let person = world.person().await;
        let deleted = person.user.clone().deleted(world.clock.now());
        let mut transaction = world.begin(&person).await;
        assert!(transaction.users().update(&deleted, person.user.revision).await.unwrap());
        transaction.commit().await.unwrap();
        assert_eq!(world.issue(&world.new_link(&person.user, RESET, 0)).await, Err(PointlessLink::NoAccount));
    }

    async fn l8_a_link_replaces_the_one_before_and_none_for_something_else() {
        let person = world.person().await;
        let verify = world.mailed_link(&person, LinkPurpose::VerifyEmail).await;
        let (first, second) = (world.new_link(&person.user, RESET, 0), world.new_link(&person.user, RESET, 1));
        assert_eq!(world.issue(&first).await, Ok(()));
        assert_eq!(world.issue(&second).await, Ok(()));
        assert_eq!(world.issue(&first).await, Err(PointlessLink::Replaced));
        assert!(!world.use_link(&person, &first, 2).await);
        assert_eq!(world.find_link(&first).await, None);
        // A worker that tries once more to send it.
        assert_eq!(world.issue(&second).await, Ok(()));
        assert!(world.use_link(&person, &second, 2).await);
        assert_eq!(world.issue(&second).await, Err(PointlessLink::Used));
        assert!(world.use_link(&person, &verify, 2).await);
    }

    async fn l8_of_links_that_are_mailed_at_once_the_latest_stays() {
        let person = world.person().await;
        let links: Vec<NewLink> = (0..8).map(|minutes| world.new_link(&person.user, RESET, minutes)).collect();
        join_all(links.iter().map(|link| world.issue(link))).await;
        for link in &links[..7] {
            assert!(!world.use_link(&person, link, 7).await);
        }
        assert!(world.use_link(&person, &links[7], 7).await);
    }

    async fn l8_a_link_is_good_once_however_many_use_it_at_once() {
        let person = world.person().await;
        let link = world.mailed_link(&person, RESET).await;
        assert!(!world.use_link(&person, &NewLink { purpose: LinkPurpose::VerifyEmail, ..link.clone() }, 0).await);
        let tries = (0..8).map(|_| world.use_link(&person, &link, 1));
        assert_eq!(join_all(tries).await.into_iter().filter(|is_first| *is_first).count(), 1);
        let (_, used) = world.find_link(&link).await.unwrap();
        assert_eq!(used.used_at, Some(world.clock.now() + Duration::minutes(1)));
    }

    async fn l8_a_link_ends_in_its_time() {
        let person = world.person().await;
        let link = world.mailed_link(&person, RESET).await;
        assert!(!world.use_link(&person, &link, 60).await);
        assert!(world.use_link(&person, &link, 59).await);
    }

    async fn l8_a_forgotten_link_is_good_for_nothing() {
        let person = world.person().await;
        let (reset, verify) =
            (world.mailed_link(&person, RESET).await, world.mailed_link(&person, LinkPurpose::VerifyEmail).await);
        let mut transaction = world.begin(&person).await;
        transaction.links().delete(person.user.id, RESET).await.unwrap();
        transaction.commit().await.unwrap();
        assert!(!world.use_link(&person, &reset, 0).await);
        assert!(world.use_link(&person, &verify, 0).await);
    }

    async fn l8_links_are_purged_in_their_time() {
        let person = world.person().await;
        let link = world.mailed_link(&person, RESET).await;
        world.purge(link.expires_at - Duration::microseconds(1)).await;
        assert!(world.find_link(&link).await.is_some());
        world.purge(link.expires_at).await;
        assert_eq!(world.find_link(&link).await, None);
    }

    async fn c6_nobody_uses_or_forgets_the_link_of_another() {
        let (person, other) = (world.person().await, world.person().await);
        let link = world.mailed_link(&person, RESET).await;
        let mut transaction = world.begin(&other).await;
        let id = person.user.id;
        assert!(!transaction.links().use_up(id, RESET, &link.digest, world.clock.now()).await.unwrap());
        transaction.links().delete(id, RESET).await.unwrap();
        transaction.commit().await.unwrap();
        assert!(world.use_link(&person, &link, 0).await);
    }
}
