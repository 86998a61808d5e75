//! The use cases over a store that can never be reached: these tests are about what surrounds them.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Duration, Utc};
use tenantry_application::{
    Acceptance, AccountExporter, ApiKeys, Hiring, IdempotentRequests, Invitations, Jobs, Members, OrganizationDeletion,
    PlatformAdministration, Profile, ProjectDeletion, SessionLimits, SignIn, SignUp, TokenIssuer,
    ports::{OneTimePasswords, Sealer},
};
use tenantry_http::Services;
use tenantry_identity::{
    AccessClaims, AccessTokenError, Accounts, ApiKeyDigest, ApiKeyGate, ApiKeySecret, ApiKeyUse, Authenticator, Bucket,
    GuessLimits, GuessingGuard, KnownApiKey, LinkDigest, LinkPurpose, Liveness, LoginIdentifier, MailedLink,
    MailedLinks, NewApiKeySecret, Password, PasswordGate, PasswordHash, PasswordPolicy, Postbox, PostboxRules,
    RefreshClaims, RefreshGrace, Registration, RevocationList, SecondFactorLimits, SecondFactors, Settlement, User,
    ports::{
        AccessTokens, ApiKeyLookup, ApiKeySecrets, ApiKeyUses, CredentialLookup, GuessLedger, LinkLookup,
        LivenessLookup, RefreshTokens,
    },
};
use tenantry_kernel::{OrganizationId, StorageError, Store, SystemClock, SystemIds};
use tenantry_readings::{
    Advisors, AskingRules, Budget, Budgets, Catalogue, Chunk, OnDisconnect, PriceTable, ReadingId, Readings, Sequence,
    ports::{AskingLimits, LiveReadings},
};
use tenantry_sync::objects::{ObjectError, ObjectStore};
use tenantry_sync::ports::{ObjectStores, RunBell, SyncPolicy};
use tenantry_sync::{
    Cycles, DirectOptions, DirectUploads, LocalDirectory, PatternSyntaxError, Patterns, ProfileName, SyncSessions,
    Uploads,
};
use tenantry_tasks::Tasks;
use tenantry_tenancy::{
    AuditLog, BucketName, Entrance, FoundInvitation, InvitationDoor, Organizations, Projects, ports::InvitationLookup,
};
use tenantry_testkit::{ClearFactors, ClearHasher, ClearLinks, ClearMarks};

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
impl LinkLookup for Nowhere {
    async fn find(&self, _: LinkPurpose, _: &LinkDigest) -> Result<Option<(User, MailedLink)>, StorageError> {
        unavailable()
    }
}

#[async_trait]
impl InvitationLookup for Nowhere {
    async fn find(&self, _: &LinkDigest) -> Result<Option<FoundInvitation>, StorageError> {
        unavailable()
    }
}

#[async_trait]
impl GuessLedger for Nowhere {
    async fn reserve(&self, _: &[Bucket], _: DateTime<Utc>) -> Result<Option<Vec<u32>>, StorageError> {
        unavailable()
    }

    async fn settle(&self, _: &[Settlement]) -> Result<(), StorageError> {
        unavailable()
    }
}

#[async_trait]
impl LivenessLookup for Nowhere {
    async fn find(&self, _: &AccessClaims) -> Result<Liveness, StorageError> {
        unavailable()
    }
}

#[async_trait]
impl ApiKeyLookup for Nowhere {
    async fn find(&self, _: &ApiKeyDigest) -> Result<Option<KnownApiKey>, StorageError> {
        unavailable()
    }
}

#[async_trait]
impl SyncPolicy for Nowhere {
    async fn allows_directory(&self, _: OrganizationId, _: &LocalDirectory) -> bool {
        false
    }

    fn allows_bucket(&self, _: OrganizationId, _: Option<&BucketName>) -> bool {
        false
    }

    fn allows_profile(&self, _: OrganizationId, _: &ProfileName) -> bool {
        false
    }

    async fn check_patterns(&self, _: &Patterns) -> Result<(), PatternSyntaxError> {
        Ok(())
    }
}

#[async_trait]
impl ObjectStores for Nowhere {
    async fn open(&self, _: Option<&BucketName>, _: Option<&ProfileName>) -> Result<Arc<dyn ObjectStore>, ObjectError> {
        Err(ObjectError::Unavailable("there is no object store".into()))
    }
}

impl RunBell for Nowhere {
    fn ring(&self) {}
}

#[async_trait]
impl AskingLimits for Nowhere {
    async fn take(&self, _: OrganizationId, _: u64) -> Result<(), std::time::Duration> {
        Ok(())
    }
}

#[async_trait]
impl LiveReadings for Nowhere {
    fn recall(&self, _: ReadingId, _: Sequence) -> Option<Vec<Chunk>> {
        None
    }

    async fn stirred(&self, _: ReadingId, _: Sequence) {}

    async fn ended(&self, _: ReadingId) {}

    fn stir(&self, _: ReadingId) {}
}

#[async_trait]
impl ApiKeyUses for Nowhere {
    async fn store(&self, _: &[ApiKeyUse], _: Duration) -> Result<(), StorageError> {
        unavailable()
    }
}

impl ApiKeySecrets for Nowhere {
    fn generate(&self) -> NewApiKeySecret {
        let secret = ApiKeySecret::new("tnt_".to_owned());
        NewApiKeySecret { secret, prefix: String::new(), digest: ApiKeyDigest([0; 32]) }
    }

    fn is_key(&self, text: &str) -> bool {
        text.starts_with("tnt_")
    }

    fn digest(&self, _: &str) -> Option<ApiKeyDigest> {
        Some(ApiKeyDigest([0; 32]))
    }
}

#[async_trait]
impl AccessTokens for Nowhere {
    fn issue(&self, _: &AccessClaims) -> String {
        String::new()
    }

    async fn verify(&self, _: &str, _: DateTime<Utc>) -> Result<AccessClaims, AccessTokenError> {
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

impl OneTimePasswords for Nowhere {
    fn generate(&self) -> Password {
        Password::parse("a fine long password").unwrap()
    }
}

fn second_factors(store: &Arc<Nowhere>, accounts: &Arc<Accounts>, clock: &Arc<SystemClock>) -> SecondFactors {
    let factors = Arc::new(ClearFactors::default());
    let hour = Duration::hours(1);
    let limits = SecondFactorLimits { challenge: hour, attempts: 10, window: hour };
    SecondFactors::new(
        store.clone(),
        accounts.clone(),
        factors.clone(),
        factors.clone(),
        factors,
        limits,
        clock.clone(),
    )
}

fn accounts(
    store: &Arc<Nowhere>,
    passwords: &Arc<PasswordGate>,
    postbox: &Arc<Postbox>,
    revocations: &Arc<RevocationList>,
) -> Arc<Accounts> {
    Arc::new(Accounts::new(
        store.clone(),
        passwords.clone(),
        postbox.clone(),
        revocations.clone(),
        Duration::hours(1),
        Arc::new(SystemClock),
        Arc::new(SystemIds),
    ))
}

fn mailed_links(
    store: &Arc<Nowhere>,
    accounts: &Arc<Accounts>,
    passwords: Arc<PasswordGate>,
    postbox: &Arc<Postbox>,
) -> MailedLinks {
    MailedLinks::new(store.clone(), store.clone(), accounts.clone(), passwords, postbox.clone(), Arc::new(SystemClock))
}

fn direct_uploads(store: &Arc<Nowhere>) -> DirectUploads {
    let (clock, ids) = (Arc::new(SystemClock), Arc::new(SystemIds));
    DirectUploads::new(store.clone(), store.clone(), store.clone(), clock, ids, DirectOptions::default())
}

fn readings(store: &Arc<Nowhere>, catalogue: &Arc<Catalogue>) -> Readings {
    let rules = AskingRules {
        catalogue: catalogue.clone(),
        prices: Arc::new(PriceTable::default()),
        budget: Budget::default(),
        max_completion_tokens: 1,
        time_limit: std::time::Duration::from_mins(1),
        reuse_for: None,
    };
    let (clock, ids) = (Arc::new(SystemClock), Arc::new(SystemIds));
    Readings::new(store.clone(), store.clone(), store.clone(), rules, clock, ids)
}

fn exporter(store: &Arc<Nowhere>, entrance: &Arc<Entrance>) -> AccountExporter {
    let (clock, ids) = (Arc::new(SystemClock), Arc::new(SystemIds));
    let (accounts, api_keys, audit, readings) = (store.clone(), store.clone(), store.clone(), store.clone());
    AccountExporter::new(entrance.clone(), accounts, api_keys, audit, readings, clock, ids)
}

fn acceptance(
    store: &Arc<Nowhere>,
    postbox: &Arc<Postbox>,
    registration: Registration,
    tokens: &Arc<TokenIssuer>,
    authenticator: &Arc<Authenticator>,
) -> Acceptance {
    let (clock, ids) = (Arc::new(SystemClock), Arc::new(SystemIds));
    let door = InvitationDoor::new(store.clone(), postbox.clone(), clock.clone());
    Acceptance::new(Arc::new(door), store.clone(), registration, tokens.clone(), authenticator.clone(), clock, ids)
}

pub fn services() -> Services {
    let (store, hasher) = (Arc::new(Nowhere), Arc::new(ClearHasher));
    let (clock, ids) = (Arc::new(SystemClock), Arc::new(SystemIds));
    let revocations = Arc::new(RevocationList::default());
    let policy = PasswordPolicy::default();
    let hour = Duration::hours(1);
    let limits = SessionLimits { access_token: hour, refresh_token: hour, refresh_grace: RefreshGrace(hour) };
    let tokens = Arc::new(TokenIssuer::new(store.clone(), store.clone(), limits, ids.clone()));
    let (marks, guesses) = (Arc::new(ClearMarks), GuessLimits::default());
    let guard = GuessingGuard::new(store.clone(), marks.clone(), marks, guesses, clock.clone(), ids.clone());
    let passwords = Arc::new(PasswordGate::new(hasher.clone(), Arc::new(guard), policy.clone()));
    let rules = PostboxRules { keep: hour, verify_email: hour, reset_password: hour, invitation: hour };
    let postbox = Arc::new(Postbox::new(store.clone(), Arc::new(ClearLinks), rules, clock.clone(), ids.clone()));
    let accounts = accounts(&store, &passwords, &postbox, &revocations);
    let authenticator = Arc::new(Authenticator::new(
        store.clone(),
        passwords.clone(),
        store.clone(),
        store.clone(),
        revocations.clone(),
        store.clone(),
        clock.clone(),
    ));
    let second_factors = Arc::new(second_factors(&store, &accounts, &clock));
    let api_key_gate =
        Arc::new(ApiKeyGate::new(store.clone(), store.clone(), store.clone(), revocations.clone(), clock.clone()));
    let register = || Registration::new(hasher.clone(), policy.clone(), clock.clone(), ids.clone());
    let mailed_links = mailed_links(&store, &accounts, passwords, &postbox);
    let deletion = OrganizationDeletion::new(store.clone(), accounts.clone(), clock.clone(), ids.clone());
    let entrance = Arc::new(Entrance::new(store.clone()));
    let exporter = exporter(&store, &entrance);
    let catalogue =
        Arc::new(Catalogue { advisors: Vec::new(), own_routes: Vec::new(), own_on_disconnect: OnDisconnect::Finish });
    let platform = PlatformAdministration::new(store.clone(), accounts.clone(), clock.clone(), ids.clone());
    Services {
        acceptance: Arc::new(acceptance(&store, &postbox, register(), &tokens, &authenticator)),
        invitations: Arc::new(Invitations::new(store.clone(), postbox.clone(), clock.clone(), ids.clone())),
        mailed_links: Arc::new(mailed_links),
        sign_up: Arc::new(SignUp::new(
            register(),
            store.clone(),
            tokens.clone(),
            postbox.clone(),
            clock.clone(),
            ids.clone(),
        )),
        sign_in: Arc::new(SignIn::new(
            authenticator.clone(),
            accounts.clone(),
            second_factors.clone(),
            store.clone(),
            tokens,
            clock.clone(),
            ids.clone(),
        )),
        organization_deletion: Arc::new(deletion),
        profile: Arc::new(Profile::new(
            accounts.clone(),
            store.clone(),
            store.clone(),
            revocations,
            clock.clone(),
            ids.clone(),
        )),
        api_keys: Arc::new(ApiKeys::new(
            store.clone(),
            store.clone(),
            api_key_gate.clone(),
            clock.clone(),
            ids.clone(),
        )),
        api_key_gate,
        hiring: Arc::new(Hiring::new(register(), store.clone(), postbox, store.clone(), clock.clone(), ids.clone())),
        members: Arc::new(Members::new(store.clone(), accounts.clone(), clock.clone(), ids.clone())),
        authenticator,
        entrance,
        exporter: Arc::new(exporter),
        platform: Arc::new(platform),
        jobs: Arc::new(Jobs::new(store.clone(), clock.clone(), ids.clone(), 10)),
        accounts,
        second_factors,
        projects: Arc::new(Projects::new(store.clone(), clock.clone(), ids.clone())),
        project_deletion: Arc::new(ProjectDeletion::new(store.clone(), clock.clone())),
        organizations: Arc::new(Organizations::new(store.clone(), clock.clone(), ids.clone())),
        cycles: Arc::new(Cycles::new(store.clone(), clock.clone(), ids.clone())),
        sync_sessions: Arc::new(SyncSessions::new(store.clone(), store.clone(), clock.clone(), ids.clone())),
        uploads: Arc::new(Uploads::new(store.clone(), store.clone(), store.clone(), clock.clone(), ids.clone())),
        direct_uploads: Arc::new(direct_uploads(&store)),
        audit_log: Arc::new(AuditLog::new(store.clone(), clock.clone(), ids.clone())),
        tasks: Arc::new(Tasks::new(store.clone(), clock.clone(), ids.clone())),
        readings: Arc::new(readings(&store, &catalogue)),
        advisors: Arc::new(Advisors::new(store.clone(), catalogue, 10, clock.clone(), ids.clone())),
        budgets: Arc::new(Budgets::new(store.clone(), Budget::default(), clock.clone(), ids.clone())),
        requests: Arc::new(IdempotentRequests::new(store.clone(), store, hour, hour, clock, ids)),
    }
}
