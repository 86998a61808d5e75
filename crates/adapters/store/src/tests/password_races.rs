//! Hashing takes long enough for somebody to change what is being proved. Whoever then turns out to have known the old
//! password gets nothing, and leaves what was stored meanwhile alone.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use tenantry_application::{Profile, SignInError, SignedInUser};
use tenantry_identity::{
    Actor, AuthenticationError, IdentityError, Password, PasswordAttempt, PasswordChange, PasswordHash, Principal,
    ProfileChange, Session, User,
    ports::{HashingError, PasswordHasher, Verification},
};
use tenantry_kernel::{Clock as _, Precondition, SystemIds};
use tenantry_testkit::{ClearHasher, Person, World};

use super::{
    contracts::world,
    fixture::{TestStore, postgres, sqlite},
    sign_in_desk::SignInDesk,
};

/// What happens while a password is verified.
#[derive(Clone, Copy)]
enum Meanwhile {
    PasswordChange,
    Deactivation,
    Deletion,
}

/// What the next verification is to meet, and what it answers.
type Interruption = (Meanwhile, Actor, Verification);

/// Lets something happen to the account before it answers, once.
struct SlowHasher {
    world: &'static World,
    next: Mutex<Option<Interruption>>,
}

#[async_trait]
impl PasswordHasher for SlowHasher {
    fn is_supported(&self, _: &PasswordHash) -> bool {
        true
    }

    async fn hash(&self, password: &Password) -> Result<PasswordHash, HashingError> {
        ClearHasher.hash(password).await
    }

    async fn verify(
        &self,
        attempt: &PasswordAttempt,
        hash: Option<&PasswordHash>,
    ) -> Result<Verification, HashingError> {
        assert_eq!(ClearHasher.verify(attempt, hash).await?, Verification::Match);
        let next = self.next.lock().unwrap().take();
        let Some((meanwhile, actor, answer)) = next else { return Ok(Verification::Match) };
        happen(self.world, &actor, meanwhile).await;
        Ok(answer)
    }

    fn check_room(&self) -> Result<(), HashingError> {
        Ok(())
    }

    async fn pretend(&self) -> Result<(), HashingError> {
        panic!("none of these races has too many guesses")
    }
}

fn new_hash() -> PasswordHash {
    PasswordHash::from_stored("clear:chosen meanwhile".to_owned())
}

async fn happen(world: &World, actor: &Actor, meanwhile: Meanwhile) {
    let now = world.clock.now();
    let mut transaction = world.ports.sign_in.begin(actor).await.unwrap();
    let user = transaction.users().find(actor.user_id().unwrap()).await.unwrap().unwrap();
    let seen = user.revision;
    let changed = match meanwhile {
        Meanwhile::PasswordChange => {
            transaction.credentials().update(user.id, &new_hash(), now).await.unwrap();
            user.signed_out_everywhere(now)
        }
        Meanwhile::Deactivation => User { is_active: false, ..user.signed_out_everywhere(now) },
        Meanwhile::Deletion => user.deleted(now),
    };
    assert!(transaction.users().update(&changed, seen).await.unwrap());
    transaction.commit().await.unwrap();
}

/// Somebody with a store, and the use cases that ask for a password.
struct Race {
    world: &'static World,
    person: Person,
    hasher: Arc<SlowHasher>,
    desk: SignInDesk,
    profile: Profile,
}

impl Race {
    async fn new(store: TestStore) -> Self {
        let database = Arc::new(store.database.clone());
        let world = world(store);
        let hasher = Arc::new(SlowHasher { world, next: Mutex::default() });
        let desk = SignInDesk::new(world, &database, hasher.clone());
        let (accounts, revocations) = (desk.accounts.clone(), desk.revocations.clone());
        let profile =
            Profile::new(accounts, database.clone(), database, revocations, world.clock.clone(), Arc::new(SystemIds));
        Self { world, person: world.person().await, hasher, desk, profile }
    }

    /// Lets `meanwhile` happen during the next verification, which answers `answer`.
    fn interrupt(&self, meanwhile: Meanwhile, answer: Verification) {
        *self.hasher.next.lock().unwrap() = Some((meanwhile, self.person.actor.clone(), answer));
    }

    async fn sign_in(&self) -> Result<SignedInUser, SignInError> {
        self.desk.sign_in(&self.person).await
    }

    async fn refused_sign_in(&self) -> AuthenticationError {
        match self.sign_in().await {
            Err(SignInError::Authentication(refused)) => refused,
            outcome => panic!("not refused: {outcome:?}"),
        }
    }

    async fn principal(&self) -> Principal {
        let signed_in = self.sign_in().await.unwrap();
        self.desk.authenticator.by_access_token(&signed_in.tokens.access_token).await.unwrap()
    }

    async fn stored(&self) -> (User, PasswordHash, Vec<Session>) {
        let mut transaction = self.world.ports.sign_in.read(&self.person.actor).await.unwrap();
        let user = transaction.users().find(self.person.user.id).await.unwrap().unwrap();
        let hash = transaction.credentials().find(user.id).await.unwrap().unwrap();
        (user, hash, transaction.sessions().list_live(self.world.clock.now()).await.unwrap())
    }

    /// Nothing came after the change of the password.
    async fn assert_only_the_password_changed(&self, before: &User, sessions: usize) {
        let (user, hash, live) = self.stored().await;
        assert_eq!(user, before.clone().signed_out_everywhere(self.world.clock.now()));
        assert_eq!((hash, live.len()), (new_hash(), sessions));
    }
}

macro_rules! on_both {
    ($(async fn $name:ident($race:ident) $body:block)+) => {$(
        mod $name {
            use super::*;

            async fn case($race: Race) $body

            #[tokio::test]
            async fn on_sqlite() {
                case(Race::new(sqlite().await).await).await;
            }

            #[tokio::test]
            async fn on_postgresql() {
                let Some(store) = postgres().await else { return };
                case(Race::new(store).await).await;
            }
        }
    )+};
}

on_both! {
    async fn a_password_changed_meanwhile_stops_a_sign_in(race) {
        race.interrupt(Meanwhile::PasswordChange, Verification::Match);
        let refused = race.refused_sign_in().await;
        assert!(matches!(refused, AuthenticationError::InvalidCredentials), "{refused:?}");
        race.assert_only_the_password_changed(&race.person.user, 0).await;
    }

    async fn a_better_hash_of_an_old_password_does_not_replace_a_new_one(race) {
        race.interrupt(Meanwhile::PasswordChange, Verification::MatchRehash);
        let refused = race.refused_sign_in().await;
        assert!(matches!(refused, AuthenticationError::InvalidCredentials), "{refused:?}");
        race.assert_only_the_password_changed(&race.person.user, 0).await;
    }

    async fn an_account_deactivated_meanwhile_is_not_signed_in_to(race) {
        race.interrupt(Meanwhile::Deactivation, Verification::Match);
        let refused = race.refused_sign_in().await;
        assert!(matches!(refused, AuthenticationError::AccountInactive), "{refused:?}");
        assert_eq!(race.stored().await.2, []);
    }

    async fn an_account_deleted_meanwhile_is_not_signed_in_to(race) {
        race.interrupt(Meanwhile::Deletion, Verification::Match);
        let refused = race.refused_sign_in().await;
        assert!(matches!(refused, AuthenticationError::InvalidCredentials), "{refused:?}");
        assert_eq!(race.stored().await.2, []);
    }

    async fn a_password_changed_meanwhile_is_not_changed_by_who_knew_the_old_one(race) {
        let principal = race.principal().await;
        let (before, _, sessions) = race.stored().await;
        race.interrupt(Meanwhile::PasswordChange, Verification::Match);
        let password = PasswordChange {
            current: PasswordAttempt::new(World::PASSWORD.to_owned()),
            new: Password::parse("a finer and longer password").unwrap(),
        };
        let change = ProfileChange { password: Some(password), ..ProfileChange::default() };
        let refused = race.desk.accounts.change_own(&principal, change, &Precondition::None).await;
        assert!(matches!(refused, Err(IdentityError::WrongPassword)), "{refused:?}");
        race.assert_only_the_password_changed(&before, sessions.len()).await;
    }

    async fn a_password_changed_meanwhile_stops_the_deletion_of_the_account(race) {
        let principal = race.principal().await;
        let (before, _, sessions) = race.stored().await;
        race.interrupt(Meanwhile::PasswordChange, Verification::Match);
        let attempt = PasswordAttempt::new(World::PASSWORD.to_owned());
        let refused = race.profile.delete(&principal, &attempt, &Precondition::None).await;
        assert!(matches!(refused, Err(SignInError::Identity(IdentityError::WrongPassword))), "{refused:?}");
        race.assert_only_the_password_changed(&before, sessions.len()).await;
    }
}
