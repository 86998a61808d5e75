//! Hashing takes long enough for somebody to change what is being proved. Whoever then turns out to have known the old
//! password gets nothing, and leaves what was stored meanwhile alone.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chrono::{DateTime, Duration, Utc};
use tenantry_application::{Profile, SessionLimits, SignIn, SignInError, SignInStep, SignedInUser, TokenIssuer};
use tenantry_identity::{
    AccessClaims, AccessTokenError, Accounts, Actor, AuthenticationError, Authenticator, Client, GuessLimits,
    GuessingGuard, IdentityError, LoginAttempt, LoginIdentifier, Password, PasswordAttempt, PasswordChange,
    PasswordGate, PasswordHash, PasswordPolicy, Principal, ProfileChange, RefreshClaims, RefreshGrace, RevocationList,
    SecondFactorLimits, SecondFactors, Session, User,
    ports::{AccessTokens, HashingError, PasswordHasher, RefreshTokens, Verification},
};
use tenantry_kernel::{Clock as _, Precondition, SystemIds};
use tenantry_testkit::{ClearFactors, ClearHasher, ClearMarks, Person, World, clear_postbox};

use super::{
    contracts::world,
    fixture::{TestStore, postgres, sqlite},
};

const LIMITS: SessionLimits = SessionLimits {
    access_token: Duration::minutes(15),
    refresh_token: Duration::days(7),
    refresh_grace: RefreshGrace(Duration::seconds(10)),
};

const FACTOR_LIMITS: SecondFactorLimits =
    SecondFactorLimits { challenge: Duration::minutes(5), attempts: 10, window: Duration::minutes(15) };

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

/// Access tokens that say nothing but which of those issued they are; nobody refreshes here.
#[derive(Default)]
struct NumberedTokens(Mutex<Vec<AccessClaims>>);

#[async_trait]
impl AccessTokens for NumberedTokens {
    fn issue(&self, claims: &AccessClaims) -> String {
        let mut issued = self.0.lock().unwrap();
        issued.push(claims.clone());
        (issued.len() - 1).to_string()
    }

    async fn verify(&self, token: &str, _now: DateTime<Utc>) -> Result<AccessClaims, AccessTokenError> {
        let number: Option<usize> = token.parse().ok();
        number.and_then(|number| self.0.lock().unwrap().get(number).cloned()).ok_or(AccessTokenError::Invalid)
    }
}

impl RefreshTokens for NumberedTokens {
    fn issue(&self, claims: &RefreshClaims) -> String {
        claims.session_id.to_string()
    }

    fn verify(&self, _token: &str) -> Option<RefreshClaims> {
        None
    }
}

/// Somebody with a store, and the use cases that ask for a password.
struct Race {
    world: &'static World,
    person: Person,
    hasher: Arc<SlowHasher>,
    authenticator: Arc<Authenticator>,
    sign_in: SignIn,
    accounts: Arc<Accounts>,
    profile: Profile,
}

impl Race {
    async fn new(store: TestStore) -> Self {
        let database = Arc::new(store.database.clone());
        let world = world(store);
        let (clock, ids) = (world.clock.clone(), Arc::new(SystemIds));
        let hasher = Arc::new(SlowHasher { world, next: Mutex::default() });
        let (tokens, revocations) = (Arc::new(NumberedTokens::default()), Arc::new(RevocationList::default()));
        let (marks, limits) = (Arc::new(ClearMarks), GuessLimits::default());
        let guard = GuessingGuard::new(database.clone(), marks.clone(), marks, limits, clock.clone(), ids.clone());
        let passwords = Arc::new(PasswordGate::new(hasher.clone(), Arc::new(guard), PasswordPolicy::default()));
        let authenticator = Arc::new(Authenticator::new(
            database.clone(),
            passwords.clone(),
            tokens.clone(),
            tokens.clone(),
            revocations.clone(),
            database.clone(),
            clock.clone(),
        ));
        let accounts = Arc::new(Accounts::new(
            database.clone(),
            passwords,
            Arc::new(clear_postbox(clock.clone())),
            revocations.clone(),
            LIMITS.access_token,
            clock.clone(),
            ids.clone(),
        ));
        let factors = Arc::new(ClearFactors::default());
        let second_factors = Arc::new(SecondFactors::new(
            database.clone(),
            accounts.clone(),
            factors.clone(),
            factors.clone(),
            factors,
            FACTOR_LIMITS,
            clock.clone(),
        ));
        let sign_in = SignIn::new(
            authenticator.clone(),
            accounts.clone(),
            second_factors,
            database.clone(),
            Arc::new(TokenIssuer::new(tokens.clone(), tokens, LIMITS, ids.clone())),
            clock.clone(),
            ids.clone(),
        );
        let profile = Profile::new(accounts.clone(), database, revocations, clock, ids);
        Self { world, person: world.person().await, hasher, authenticator, sign_in, accounts, profile }
    }

    /// Lets `meanwhile` happen during the next verification, which answers `answer`.
    fn interrupt(&self, meanwhile: Meanwhile, answer: Verification) {
        *self.hasher.next.lock().unwrap() = Some((meanwhile, self.person.actor.clone(), answer));
    }

    async fn sign_in(&self) -> Result<SignedInUser, SignInError> {
        let attempt = LoginAttempt {
            identifier: &LoginIdentifier::new(self.person.user.email.as_str()),
            password: &PasswordAttempt::new(World::PASSWORD.to_owned()),
            client: &Client::default(),
            device_token: None,
        };
        match self.sign_in.by_password(attempt).await? {
            SignInStep::SignedIn(login) => Ok(login.signed_in),
            SignInStep::SecondFactorDue(_) => panic!("nobody has a second factor here"),
        }
    }

    async fn refused_sign_in(&self) -> AuthenticationError {
        match self.sign_in().await {
            Err(SignInError::Authentication(refused)) => refused,
            outcome => panic!("not refused: {outcome:?}"),
        }
    }

    async fn principal(&self) -> Principal {
        let signed_in = self.sign_in().await.unwrap();
        self.authenticator.by_access_token(&signed_in.tokens.access_token).await.unwrap()
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
        let refused = race.accounts.change_own(&principal, change, &Precondition::None).await;
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
