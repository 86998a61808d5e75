//! The use cases over a store that can never be reached: these tests are about what surrounds them.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Duration, Utc};
use tenantry_application::{
    IdempotentRequests, Members, Profile, SessionLimits, SignIn, SignUp, TokenIssuer, ports::Sealer,
};
use tenantry_http::Services;
use tenantry_identity::{
    AccessClaims, AccessTokenError, Accounts, Authenticator, Liveness, LoginIdentifier, PasswordHash, PasswordPolicy,
    RefreshClaims, RefreshGrace, Registration, RevocationList, User,
    ports::{AccessTokens, CredentialLookup, LivenessLookup, RefreshTokens},
};
use tenantry_kernel::{StorageError, Store, SystemClock, SystemIds};
use tenantry_tasks::Tasks;
use tenantry_tenancy::{Entrance, Organizations};
use tenantry_testkit::ClearHasher;

struct Nowhere;

fn unavailable<T>() -> Result<T, StorageError> {
    Err(StorageError::Unavailable("there is no database".into()))
}

#[async_trait]
impl<C: ?Sized + Sync, T: ?Sized> Store<C, T> for Nowhere {
    async fn read(&self, _: &C) -> Result<Box<T>, StorageError> {
        unavailable()
    }

    async fn begin(&self, _: &C) -> Result<Box<T>, StorageError> {
        unavailable()
    }
}

#[async_trait]
impl CredentialLookup for Nowhere {
    async fn find(&self, _: &LoginIdentifier) -> Result<Option<(User, PasswordHash)>, StorageError> {
        unavailable()
    }
}

#[async_trait]
impl LivenessLookup for Nowhere {
    async fn find(&self, _: &AccessClaims) -> Result<Liveness, StorageError> {
        unavailable()
    }
}

impl AccessTokens for Nowhere {
    fn issue(&self, _: &AccessClaims) -> String {
        String::new()
    }

    fn verify(&self, _: &str, _: DateTime<Utc>) -> Result<AccessClaims, AccessTokenError> {
        Err(AccessTokenError::Invalid)
    }
}

impl RefreshTokens for Nowhere {
    fn issue(&self, _: &RefreshClaims) -> String {
        String::new()
    }

    fn verify(&self, _: &str) -> Option<RefreshClaims> {
        None
    }
}

impl Sealer for Nowhere {
    fn seal(&self, plain: &[u8], _: &[u8]) -> Vec<u8> {
        plain.to_vec()
    }

    fn open(&self, sealed: &[u8], _: &[u8]) -> Option<Vec<u8>> {
        Some(sealed.to_vec())
    }
}

pub fn services() -> Services {
    let (store, hasher) = (Arc::new(Nowhere), Arc::new(ClearHasher));
    let (clock, ids) = (Arc::new(SystemClock), Arc::new(SystemIds));
    let revocations = Arc::new(RevocationList::default());
    let policy = PasswordPolicy::default();
    let hour = Duration::hours(1);
    let limits = SessionLimits { access_token: hour, refresh_token: hour, refresh_grace: RefreshGrace(hour) };
    let tokens = Arc::new(TokenIssuer::new(store.clone(), store.clone(), limits, ids.clone()));
    let accounts = Arc::new(Accounts::new(
        store.clone(),
        hasher.clone(),
        policy,
        revocations.clone(),
        hour,
        clock.clone(),
        ids.clone(),
    ));
    let authenticator = Arc::new(Authenticator::new(
        store.clone(),
        hasher.clone(),
        store.clone(),
        store.clone(),
        revocations.clone(),
        store.clone(),
        clock.clone(),
    ));
    let registration = Registration::new(hasher.clone(), policy, clock.clone(), ids.clone());
    Services {
        sign_up: Arc::new(SignUp::new(registration, store.clone(), tokens.clone(), clock.clone(), ids.clone())),
        sign_in: Arc::new(SignIn::new(
            authenticator.clone(),
            accounts.clone(),
            hasher,
            store.clone(),
            tokens,
            revocations.clone(),
            clock.clone(),
        )),
        profile: Arc::new(Profile::new(accounts.clone(), store.clone(), revocations, clock.clone())),
        authenticator,
        entrance: Arc::new(Entrance::new(store.clone())),
        accounts,
        members: Arc::new(Members::new(store.clone(), clock.clone())),
        organizations: Arc::new(Organizations::new(store.clone(), clock.clone(), ids.clone())),
        tasks: Arc::new(Tasks::new(store.clone(), clock.clone(), ids.clone())),
        requests: Arc::new(IdempotentRequests::new(store.clone(), store, hour, hour, clock, ids)),
    }
}
