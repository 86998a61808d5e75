use chrono::Duration;
use tenantry_application::ports::PurgeLimits;
use tenantry_identity::{Email, FullName, InsertUserError, LoginIdentifier, User, Username};
use tenantry_kernel::Clock as _;

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

    async fn delete(&self, person: &Person) -> User {
        let deleted = person.user.clone().deleted(self.clock.now());
        let mut transaction = self.begin(person).await;
        assert!(transaction.users().update(&deleted, person.user.revision).await.expect("an update"));
        transaction.commit().await.expect("a commit");
        deleted
    }

    async fn erase_deleted(&self) {
        let now = self.clock.now();
        let report = self.ports.housekeeping.purge(PurgeLimits { now, erase_deleted_by: now }).await.expect("a purge");
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
        let early = PurgeLimits { now, erase_deleted_by: deleted_at - Duration::microseconds(1) };
        world.ports.housekeeping.purge(early).await.unwrap();
        let mut transaction = world.begin(&person).await;
        assert_eq!(transaction.users().find(deleted.id).await.unwrap(), Some(deleted.clone()));
        assert!(transaction.credentials().find(deleted.id).await.unwrap().is_some());
        drop(transaction);

        let due = PurgeLimits { now, erase_deleted_by: deleted_at };
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
        for owner in [&person, &other] {
            assert!(world.store_request(owner, &world.request(owner, "erasure")).await);
        }
        world.delete(&person).await;
        world.erase_deleted().await;
        let mut transaction = world.begin(&person).await;
        assert_eq!(transaction.sessions().find(session.id).await.unwrap(), None);
        drop(transaction);
        assert_eq!(world.find_request(&person, "erasure").await, None);
        let mut transaction = world.begin(&other).await;
        assert_eq!(transaction.users().find(other.user.id).await.unwrap(), Some(other.user.clone()));
        assert_eq!(transaction.credentials().find(other.user.id).await.unwrap(), Some(other.password_hash.clone()));
        assert_eq!(transaction.sessions().find(kept.id).await.unwrap(), Some(kept));
        drop(transaction);
        assert!(world.find_request(&other, "erasure").await.is_some());
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
