use chrono::Duration;
use futures_util::future::join_all;
use tenantry_identity::{RecoveryCodeDigest, SealedTotpSecret, SecondFactorLimits, Totp};
use tenantry_kernel::{Clock as _, IdGenerator as _, SystemIds};

use crate::{Person, World, contract::contract};

const LIMITS: SecondFactorLimits =
    SecondFactorLimits { challenge: Duration::minutes(5), attempts: 3, window: Duration::minutes(15) };

fn digest(text: &str) -> RecoveryCodeDigest {
    RecoveryCodeDigest::from_bytes(text.as_bytes().to_vec())
}

impl World {
    fn pending(&self, person: &Person) -> Totp {
        let secret = SealedTotpSecret::from_stored(SystemIds.next_id().as_bytes().to_vec());
        Totp::pending(person.user.id, secret, self.clock.now())
    }

    /// An app whose step 7 was accepted, and the recovery codes "one" and "two".
    pub(super) async fn second_factor(&self, person: &Person) -> Totp {
        let pending = self.pending(person);
        let confirmed = pending.clone().confirmed(7, self.clock.now());
        let mut transaction = self.begin(person).await;
        let factors = transaction.second_factors();
        factors.insert(&pending).await.expect("a new app");
        assert!(factors.confirm(&confirmed).await.expect("an answer"));
        factors.insert_recovery_codes(person.user.id, &[digest("one"), digest("two")]).await.expect("new codes");
        transaction.commit().await.expect("a commit");
        confirmed
    }

    pub(super) async fn find_totp(&self, person: &Person) -> Option<Totp> {
        let mut transaction = self.ports.sign_in.read(&person.actor).await.expect("a transaction");
        transaction.second_factors().find(person.user.id).await.expect("an answer")
    }

    async fn accept(&self, person: &Person, totp: &Totp, step: i64) -> bool {
        let mut transaction = self.begin(person).await;
        let accepted = transaction.second_factors().accept_step(person.user.id, &totp.secret, step).await;
        transaction.commit().await.expect("a commit");
        accepted.expect("an answer")
    }

    pub(super) async fn use_code(&self, person: &Person, code: &str) -> bool {
        let mut transaction = self.begin(person).await;
        let now = self.clock.now();
        let used = transaction.second_factors().use_recovery_code(person.user.id, &digest(code), now).await;
        transaction.commit().await.expect("a commit");
        used.expect("an answer")
    }

    async fn reserve(&self, person: &Person, later: Duration) -> bool {
        let mut transaction = self.begin(person).await;
        let at = self.clock.now() + later;
        let reserved = transaction.second_factors().reserve_attempt(person.user.id, LIMITS, at).await;
        transaction.commit().await.expect("a commit");
        reserved.expect("an answer")
    }
}

contract! {
    /// What every adapter of the port of second factors promises.
    FACTORS(world: World)

    async fn an_app_comes_back_as_it_was_stored() {
        let person = world.person().await;
        assert_eq!(world.find_totp(&person).await, None);
        let pending = world.pending(&person);
        let mut transaction = world.begin(&person).await;
        transaction.second_factors().insert(&pending).await.unwrap();
        transaction.commit().await.unwrap();
        assert_eq!(world.find_totp(&person).await, Some(pending));
    }

    async fn an_app_is_confirmed_once_and_with_its_own_secret() {
        let person = world.person().await;
        let (pending, other) = (world.pending(&person), world.pending(&person));
        let now = world.clock.now();
        let mut transaction = world.begin(&person).await;
        let factors = transaction.second_factors();
        factors.insert(&pending).await.unwrap();
        assert!(!factors.accept_step(person.user.id, &pending.secret, 1).await.unwrap());
        assert!(!factors.confirm(&other.confirmed(1, now)).await.unwrap());
        let confirmed = pending.confirmed(1, now);
        assert!(factors.confirm(&confirmed).await.unwrap());
        assert!(!factors.confirm(&confirmed).await.unwrap());
        transaction.commit().await.unwrap();
        assert_eq!(world.find_totp(&person).await, Some(confirmed));
    }

    async fn a_step_is_accepted_once_and_no_older_one_after_it() {
        let person = world.person().await;
        let totp = world.second_factor(&person).await;
        assert!(!world.accept(&person, &totp, 7).await);
        assert!(!world.accept(&person, &world.pending(&person), 9).await);
        let tries = (0..8).map(|_| world.accept(&person, &totp, 9));
        assert_eq!(join_all(tries).await.into_iter().filter(|is_first| *is_first).count(), 1);
        assert!(!world.accept(&person, &totp, 8).await);
        assert!(world.accept(&person, &totp, 10).await);
    }

    async fn a_recovery_code_is_good_once() {
        let person = world.person().await;
        world.second_factor(&person).await;
        assert!(!world.use_code(&person, "three").await);
        let tries = (0..8).map(|_| world.use_code(&person, "one"));
        assert_eq!(join_all(tries).await.into_iter().filter(|is_first| *is_first).count(), 1);
        assert!(world.use_code(&person, "two").await);
    }

    async fn of_many_attempts_at_once_no_more_count_than_are_allowed() {
        let person = world.person().await;
        let totp = world.second_factor(&person).await;
        let now = Duration::zero();
        let tries = (0..12).map(|_| world.reserve(&person, now));
        assert_eq!(join_all(tries).await.into_iter().filter(|is_reserved| *is_reserved).count(), 3);
        assert!(!world.reserve(&person, LIMITS.window - Duration::microseconds(1)).await);
        for _ in 0..3 {
            assert!(world.reserve(&person, LIMITS.window).await);
        }
        assert!(!world.reserve(&person, LIMITS.window).await);
        assert!(world.accept(&person, &totp, 9).await);
        for _ in 0..3 {
            assert!(world.reserve(&person, LIMITS.window).await);
        }
        assert!(!world.reserve(&person, LIMITS.window).await);
        assert!(world.use_code(&person, "one").await);
        assert!(world.reserve(&person, LIMITS.window).await);
    }

    async fn a_forgotten_app_takes_its_recovery_codes_along() {
        let person = world.person().await;
        world.second_factor(&person).await;
        let mut transaction = world.begin(&person).await;
        transaction.second_factors().delete(person.user.id).await.unwrap();
        transaction.commit().await.unwrap();
        assert_eq!(world.find_totp(&person).await, None);
        assert!(!world.use_code(&person, "one").await);
        world.second_factor(&person).await;
    }

    async fn c6_nobody_reaches_the_second_factor_of_another() {
        let (person, other) = (world.person().await, world.person().await);
        let id = person.user.id;
        let totp = world.second_factor(&person).await;
        let mut transaction = world.begin(&other).await;
        let factors = transaction.second_factors();
        assert_eq!(factors.find(id).await.unwrap(), None);
        assert!(!factors.accept_step(id, &totp.secret, 9).await.unwrap());
        assert!(!factors.reserve_attempt(id, LIMITS, world.clock.now()).await.unwrap());
        assert!(!factors.use_recovery_code(id, &digest("one"), world.clock.now()).await.unwrap());
        transaction.commit().await.unwrap();
        assert!(world.use_code(&person, "one").await);

        let mut transaction = world.begin(&other).await;
        transaction.second_factors().delete(id).await.unwrap();
        transaction.commit().await.unwrap();
        assert_eq!(world.find_totp(&person).await, Some(totp));
        assert!(world.use_code(&person, "two").await);
    }

    async fn c6_no_second_factor_is_added_for_another() {
        let (person, other) = (world.person().await, world.person().await);
        let mut transaction = world.begin(&other).await;
        assert!(transaction.second_factors().insert(&world.pending(&person)).await.is_err());
        drop(transaction);
        let mut transaction = world.begin(&other).await;
        assert!(transaction.second_factors().insert_recovery_codes(person.user.id, &[digest("one")]).await.is_err());
    }
}
