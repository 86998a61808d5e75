use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chrono::{DateTime, Duration, Utc};
use tenantry_application::{SessionLimits, SignIn, SignInError, SignInStep, SignedInUser, TokenIssuer};
use tenantry_identity::{
    AccessClaims, AccessTokenError, Accounts, Authenticator, Client, GuessLimits, GuessingGuard, LoginAttempt,
    LoginIdentifier, PasswordAttempt, PasswordGate, PasswordPolicy, RefreshClaims, RefreshGrace, RevocationList,
    SecondFactorLimits, SecondFactors, SessionId,
    ports::{AccessTokens, PasswordHasher, RefreshTokens},
};
use tenantry_kernel::{SystemIds, UserId};
use tenantry_testkit::{ClearFactors, ClearMarks, Person, World, clear_postbox};

use crate::Database;

pub const LIMITS: SessionLimits = SessionLimits {
    access_token: Duration::minutes(15),
    refresh_token: Duration::days(7),
    refresh_grace: RefreshGrace(Duration::seconds(10)),
};

const FACTOR_LIMITS: SecondFactorLimits =
    SecondFactorLimits { challenge: Duration::minutes(5), attempts: 10, window: Duration::minutes(15) };

/// Access tokens that say nothing but which of those issued they are, and refresh tokens in the clear.
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
        format!("{}/{}/{}", claims.session_id, claims.user_id, claims.generation)
    }

    fn verify(&self, token: &str) -> Option<RefreshClaims> {
        let mut parts = token.split('/');
        let session_id = SessionId::from_uuid(parts.next()?.parse().ok()?);
        let user_id = UserId::from_uuid(parts.next()?.parse().ok()?);
        Some(RefreshClaims { session_id, user_id, generation: parts.next()?.parse().ok()? })
    }
}

/// Signing in over a store, with the clock of its world.
pub struct SignInDesk {
    pub authenticator: Arc<Authenticator>,
    pub accounts: Arc<Accounts>,
    pub revocations: Arc<RevocationList>,
    pub service: SignIn,
}

impl SignInDesk {
    pub fn new(world: &World, database: &Arc<Database>, hasher: Arc<dyn PasswordHasher>) -> Self {
        let (clock, ids) = (world.clock.clone(), Arc::new(SystemIds));
        let (tokens, revocations) = (Arc::new(NumberedTokens::default()), Arc::new(RevocationList::default()));
        let (marks, limits) = (Arc::new(ClearMarks), GuessLimits::default());
        let guard = GuessingGuard::new(database.clone(), marks.clone(), marks, limits, clock.clone(), ids.clone());
        let passwords = Arc::new(PasswordGate::new(hasher, Arc::new(guard), PasswordPolicy::default()));
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
        let service = SignIn::new(
            authenticator.clone(),
            accounts.clone(),
            second_factors,
            database.clone(),
            Arc::new(TokenIssuer::new(tokens.clone(), tokens, LIMITS, ids.clone())),
            clock,
            ids,
        );
        Self { authenticator, accounts, revocations, service }
    }

    pub async fn sign_in(&self, person: &Person) -> Result<SignedInUser, SignInError> {
        let attempt = LoginAttempt {
            identifier: &LoginIdentifier::new(person.user.email.as_str()),
            password: &PasswordAttempt::new(World::PASSWORD.to_owned()),
            client: &Client::default(),
            device_token: None,
        };
        match self.service.by_password(attempt).await? {
            SignInStep::SignedIn(login) => Ok(login.signed_in),
            SignInStep::SecondFactorDue(_) => panic!("nobody has a second factor here"),
        }
    }
}
