//! The parts of one process, made from the settings and joined. This is the only place that knows every adapter.

mod audit;
mod collector;
mod limits;
mod post;
mod probe;
mod signing;

use std::sync::Arc;
use std::time::Instant;

use chrono::Duration;
use tenantry_application::ports::OneTimePasswords as _;
use tenantry_application::{
    Acceptance, Administrators, ApiKeys, Hiring, IdempotentRequests, Invitations, Members, OrganizationDeletion,
    PostOffice, Profile, ProjectDeletion, SessionLimits, SignIn, SignUp, TokenIssuer,
};
use tenantry_credentials::{
    Argon2Memory, BcryptCost, BreachedPasswordLookup, DerivedDeviceTokens, DerivedKeys, DerivedRefreshTokens,
    HashingOptions, KeyedBuckets, Passwords, RandomApiKeys, RandomOneTimePasswords, RandomRecoveryCodes, SealedBox,
    SealedTotpCodes, SignedMfaTokens,
};
use tenantry_http::health::Readiness;
use tenantry_http::metrics::Metrics;
use tenantry_http::paging::CursorKey;
use tenantry_http::{HttpOptions, HttpState, Services};
use tenantry_identity::{
    Accounts, ApiKeyGate, Authenticator, GuessLimits, GuessingGuard, MailedLinks, Password, PasswordGate,
    PasswordPolicy, Postbox, RefreshGrace, Registration, RevocationFollower, RevocationList, SecondFactorLimits,
    SecondFactors, WaitStep,
};
use tenantry_jobs::{JobsOptions, QueueDatabase, Worker};
use tenantry_kernel::{Clock, IdGenerator, SystemClock, SystemIds};
use tenantry_store::{Database, LoginCheck, RoleError, SqlPool, check_role};
use tenantry_tasks::Tasks;
use tenantry_tenancy::{AuditLog, Entrance, InvitationDoor, Organizations, Projects};

use self::collector::ProcessCollector;
use self::probe::DatabaseProbe;
pub use self::signing::Signing;
use crate::failure::Failure;
use crate::schema;
use crate::settings::{Profile as RunProfile, Settings, Wait};

/// One process of Tenantry: its database, and the use cases over it.
pub struct Node {
    /// What the operator decided.
    pub settings: Settings,
    /// The database.
    pub database: Database,
    /// The use cases of the API.
    pub services: Services,
    /// Platform administrators.
    pub administrators: Administrators,
    /// Seals mails for the outbox.
    pub postbox: Arc<Postbox>,
    /// Sends what is in the outbox.
    pub post_office: Arc<PostOffice>,
    /// How access tokens are signed.
    pub signing: Signing,
    /// Brings in the revocations of other processes.
    pub follower: RevocationFollower,
    passwords: Arc<Passwords>,
    breached_passwords: Option<Arc<BreachedPasswordLookup>>,
    keys: DerivedKeys,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdGenerator>,
    started: Instant,
}

impl Node {
    /// Opens the database, migrates it where the settings say so, checks that its roles are safe, joins the parts, and
    /// sees to it that there is something to sign access tokens with.
    pub async fn open(settings: Settings) -> Result<Self, Failure> {
        let node = Self::connect(settings).await?;
        node.signing.prepare().await?;
        Ok(node)
    }

    /// The same, whatever is wrong with the keys of access tokens.
    pub async fn connect(settings: Settings) -> Result<Self, Failure> {
        let started = Instant::now();
        settings.create_folders()?;
        let keys = DerivedKeys::derive(&settings.secret_key()?, settings.auth.previous_secret_key.as_ref());
        if settings.database.migrate_on_start {
            schema::up(&settings).await?;
        }
        let database = Database::new(&settings.store_options()).map_err(Failure::configuration)?;
        check_database(&database, settings.profile).await?;
        Self::join(settings, database, keys, started)
    }

    fn join(settings: Settings, database: Database, keys: DerivedKeys, started: Instant) -> Result<Self, Failure> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let ids: Arc<dyn IdGenerator> = Arc::new(SystemIds);
        let store = Arc::new(database.clone());
        let passwords = Arc::new(start_passwords(&settings)?);
        let signing = Signing::new(&settings, &database, &keys, &clock, &ids)?;
        let refresh_tokens = Arc::new(DerivedRefreshTokens::new(&keys));
        let limits = session_limits(&settings)?;
        let breached_passwords = breached_passwords(&settings)?;
        let policy = password_policy(&settings, breached_passwords.as_ref());
        let revocations = Arc::new(RevocationList::default());
        let postbox = post::postbox(&settings, &keys, &clock, &ids)?;
        let post_office = post::post_office(&settings, &database, &postbox, &clock, &ids)?;

        let tokens = Arc::new(TokenIssuer::new(signing.tokens.clone(), refresh_tokens.clone(), limits, ids.clone()));
        let guard = Arc::new(guessing_guard(&settings, &store, &keys, &clock, &ids)?);
        let gate = Arc::new(PasswordGate::new(passwords.clone(), guard, policy.clone()));
        let authenticator = Arc::new(Authenticator::new(
            store.clone(),
            gate.clone(),
            signing.tokens.clone(),
            refresh_tokens,
            revocations.clone(),
            store.clone(),
            clock.clone(),
        ));
        let accounts = Arc::new(Accounts::new(
            store.clone(),
            gate.clone(),
            postbox.clone(),
            revocations.clone(),
            limits.access_token,
            clock.clone(),
            ids.clone(),
        ));
        let second_factors = Arc::new(second_factors(&settings, &store, &accounts, &keys, &clock)?);
        let mailed_links = mailed_links(&store, &accounts, &gate, &postbox, &clock, &ids);
        let register = || Registration::new(passwords.clone(), policy.clone(), clock.clone(), ids.clone());
        let acceptance = acceptance(&store, &postbox, register(), &tokens, &authenticator, &clock, &ids);
        let invitations = Invitations::new(store.clone(), postbox.clone(), clock.clone(), ids.clone());
        let hiring = hiring(&store, &postbox, register(), &clock, &ids);
        let sign_up = Arc::new(sign_up(register(), &store, &tokens, &postbox, &clock, &ids));
        let sign_in = SignIn::new(
            authenticator.clone(),
            accounts.clone(),
            second_factors.clone(),
            store.clone(),
            tokens,
            clock.clone(),
            ids.clone(),
        )
        .requiring_verified_email(settings.auth.require_verified_email);
        let requests = idempotent_requests(&settings, &store, &keys, &clock, &ids)?;
        let organization_deletion =
            OrganizationDeletion::new(store.clone(), accounts.clone(), clock.clone(), ids.clone());
        let profile = Profile::new(accounts.clone(), store.clone(), revocations.clone(), clock.clone(), ids.clone());
        let (api_key_gate, api_keys) = api_keys(&database, &revocations, &clock, &ids);
        let services = Services {
            authenticator,
            api_key_gate,
            api_keys,
            entrance: Arc::new(Entrance::new(store.clone())),
            sign_up: sign_up.clone(),
            sign_in: Arc::new(sign_in),
            mailed_links: Arc::new(mailed_links),
            invitations: Arc::new(invitations),
            acceptance: Arc::new(acceptance),
            hiring: Arc::new(hiring),
            members: Arc::new(Members::new(store.clone(), accounts.clone(), clock.clone(), ids.clone())),
            accounts,
            second_factors,
            profile: Arc::new(profile),
            organizations: Arc::new(Organizations::new(store.clone(), clock.clone(), ids.clone())),
            organization_deletion: Arc::new(organization_deletion),
            projects: Arc::new(Projects::new(store.clone(), clock.clone(), ids.clone())),
            project_deletion: Arc::new(ProjectDeletion::new(store.clone(), clock.clone())),
            audit_log: Arc::new(AuditLog::new(store.clone(), clock.clone(), ids.clone())),
            tasks: Arc::new(Tasks::new(store.clone(), clock.clone(), ids.clone())),
            requests: Arc::new(requests),
        };
        Ok(Self {
            administrators: Administrators::new(sign_up, store.clone(), Arc::new(RandomOneTimePasswords)),
            follower: RevocationFollower::new(revocations, store, clock.clone()),
            postbox,
            post_office,
            signing,
            settings,
            database,
            services,
            passwords,
            breached_passwords,
            keys,
            clock,
            ids,
            started,
        })
    }

    /// What the HTTP server's handlers work with.
    pub fn http_state(&self, readiness: Readiness) -> Result<HttpState, Failure> {
        let metrics = Metrics::new().map_err(Failure::because)?;
        let collector =
            ProcessCollector::new(self.database.clone(), self.passwords.clone(), self.breached_passwords.clone());
        let collector = collector.map_err(Failure::because)?;
        metrics.registry().register(Box::new(collector)).map_err(Failure::because)?;
        Ok(HttpState {
            services: self.services.clone(),
            clock: self.clock.clone(),
            ids: self.ids.clone(),
            health: Arc::new(DatabaseProbe(self.database.clone())),
            rate_limits: limits::rate_limits(&self.settings)?,
            readiness,
            metrics,
            cursors: CursorKey::new(self.keys.cursors().current(), self.keys.cursors().previous()),
            published_keys: self.signing.published(),
            started: self.started,
        })
    }

    /// The limits of the HTTP server.
    #[must_use]
    pub fn http_options(&self) -> HttpOptions {
        let server = &self.settings.server;
        HttpOptions {
            workers: server.workers(),
            client_timeout: server.client_timeout,
            request_timeout: server.request_timeout,
            shutdown_timeout: server.shutdown_timeout,
            body_limit_bytes: server.max_body_bytes,
            allowed_origins: self.settings.cors.allowed_origins.clone(),
            always_https: server.https,
            https_origin: server.https_origin(),
            trusted_proxies: server.trusted_proxies.clone(),
            write_cost: self.settings.rate_limit.write_cost(),
            metrics_token: self.settings.metrics.token.clone(),
            ..HttpOptions::default()
        }
    }

    /// A random password.
    #[must_use]
    pub fn one_time_password(&self) -> Password {
        RandomOneTimePasswords.generate()
    }

    /// The background worker.
    #[must_use]
    pub fn worker(&self) -> Worker {
        let queue = match self.database.background_pool() {
            SqlPool::Postgres(pool) => QueueDatabase::Postgres(pool),
            SqlPool::Sqlite(pool) => QueueDatabase::Sqlite(pool),
        };
        let settings = &self.settings.jobs;
        let options = JobsOptions {
            purge_interval: settings.purge_interval,
            erase_after: settings.erase_after,
            ..JobsOptions::default()
        };
        let worker = Worker::new(queue, Arc::new(self.database.clone()), self.clock.clone(), self.ids.clone(), options)
            .sending(self.post_office.clone())
            .keeping_audit_log(Arc::new(self.audit_keeper()));
        if self.signing.is_by_keys() { worker.keeping(self.signing.keys.clone()) } else { worker }
    }
}

fn sign_up(
    registration: Registration,
    store: &Arc<Database>,
    tokens: &Arc<TokenIssuer>,
    postbox: &Arc<Postbox>,
    clock: &Arc<dyn Clock>,
    ids: &Arc<dyn IdGenerator>,
) -> SignUp {
    SignUp::new(registration, store.clone(), tokens.clone(), postbox.clone(), clock.clone(), ids.clone())
}

/// Refuses to go on with a database role that row-level security would not bind.
async fn check_database(database: &Database, profile: RunProfile) -> Result<(), Failure> {
    let login = match profile {
        RunProfile::Production => LoginCheck::Unprivileged,
        _ => LoginCheck::Shared,
    };
    check_role(database, login).await.map_err(|error| match error {
        RoleError::Storage(_) | RoleError::NotMigrated => Failure::because(error),
        RoleError::RoleBypasses { .. } | RoleError::LoginBypasses { .. } => Failure::configuration(error),
    })
}

/// What lets API keys in, and what makes and ends them.
fn api_keys(
    database: &Database,
    revocations: &Arc<RevocationList>,
    clock: &Arc<dyn Clock>,
    ids: &Arc<dyn IdGenerator>,
) -> (Arc<ApiKeyGate>, Arc<ApiKeys>) {
    let (store, secrets) = (Arc::new(database.clone()), Arc::new(RandomApiKeys));
    let gate = ApiKeyGate::new(store.clone(), store.clone(), secrets.clone(), revocations.clone(), clock.clone());
    let gate = Arc::new(gate);
    let keys = ApiKeys::new(store, secrets, gate.clone(), clock.clone(), ids.clone());
    (gate, Arc::new(keys))
}

fn start_passwords(settings: &Settings) -> Result<Passwords, Failure> {
    let cost = BcryptCost::new(settings.auth.bcrypt_cost)
        .ok_or_else(|| Failure::configuration("`auth.bcrypt_cost` must be between 4 and 15"))?;
    let memory = Argon2Memory::from_mib(settings.auth.argon2_memory_mib)
        .ok_or_else(|| Failure::configuration("`auth.argon2_memory_mib` must be between 1 and 4096"))?;
    let options = HashingOptions::for_this_machine(settings.auth.hash_queue_length);
    Passwords::start(cost, memory, options).map_err(Failure::because)
}

fn breached_passwords(settings: &Settings) -> Result<Option<Arc<BreachedPasswordLookup>>, Failure> {
    let lookup = settings.auth.breached_passwords_url.as_deref().map(BreachedPasswordLookup::new).transpose();
    Ok(lookup.map_err(Failure::because)?.map(Arc::new))
}

fn password_policy(settings: &Settings, breached: Option<&Arc<BreachedPasswordLookup>>) -> PasswordPolicy {
    let policy = PasswordPolicy::new(settings.auth.min_password_score);
    match breached {
        Some(lookup) => policy.with_breached(lookup.clone()),
        None => policy,
    }
}

fn session_limits(settings: &Settings) -> Result<SessionLimits, Failure> {
    Ok(SessionLimits {
        access_token: lasting(settings.auth.access_token_lifetime)?,
        refresh_token: lasting(settings.auth.refresh_token_lifetime)?,
        refresh_grace: RefreshGrace(lasting(settings.auth.refresh_grace)?),
    })
}

fn acceptance(
    store: &Arc<Database>,
    postbox: &Arc<Postbox>,
    registration: Registration,
    tokens: &Arc<TokenIssuer>,
    authenticator: &Arc<Authenticator>,
    clock: &Arc<dyn Clock>,
    ids: &Arc<dyn IdGenerator>,
) -> Acceptance {
    let door = InvitationDoor::new(store.clone(), postbox.clone(), clock.clone());
    let (tokens, authenticator) = (tokens.clone(), authenticator.clone());
    Acceptance::new(Arc::new(door), store.clone(), registration, tokens, authenticator, clock.clone(), ids.clone())
}

fn mailed_links(
    store: &Arc<Database>,
    accounts: &Arc<Accounts>,
    passwords: &Arc<PasswordGate>,
    postbox: &Arc<Postbox>,
    clock: &Arc<dyn Clock>,
    ids: &Arc<dyn IdGenerator>,
) -> MailedLinks {
    MailedLinks::new(
        store.clone(),
        store.clone(),
        accounts.clone(),
        passwords.clone(),
        postbox.clone(),
        clock.clone(),
        ids.clone(),
    )
}

fn hiring(
    store: &Arc<Database>,
    postbox: &Arc<Postbox>,
    registration: Registration,
    clock: &Arc<dyn Clock>,
    ids: &Arc<dyn IdGenerator>,
) -> Hiring {
    let one_time = Arc::new(RandomOneTimePasswords);
    Hiring::new(registration, one_time, postbox.clone(), store.clone(), clock.clone(), ids.clone())
}

fn idempotent_requests(
    settings: &Settings,
    store: &Arc<Database>,
    keys: &DerivedKeys,
    clock: &Arc<dyn Clock>,
    ids: &Arc<dyn IdGenerator>,
) -> Result<IdempotentRequests, Failure> {
    Ok(IdempotentRequests::new(
        store.clone(),
        Arc::new(SealedBox::new(keys)),
        lasting(settings.idempotency.ttl)?,
        // A request that was given up can't still be running.
        lasting(settings.server.request_timeout)? + Duration::seconds(5),
        clock.clone(),
        ids.clone(),
    ))
}

fn second_factors(
    settings: &Settings,
    store: &Arc<Database>,
    accounts: &Arc<Accounts>,
    keys: &DerivedKeys,
    clock: &Arc<dyn Clock>,
) -> Result<SecondFactors, Failure> {
    Ok(SecondFactors::new(
        store.clone(),
        accounts.clone(),
        Arc::new(SealedTotpCodes::new(keys, &settings.auth.totp_issuer)),
        Arc::new(RandomRecoveryCodes),
        Arc::new(SignedMfaTokens::new(keys)),
        second_factor_limits(settings)?,
        clock.clone(),
    ))
}

fn guessing_guard(
    settings: &Settings,
    store: &Arc<Database>,
    keys: &DerivedKeys,
    clock: &Arc<dyn Clock>,
    ids: &Arc<dyn IdGenerator>,
) -> Result<GuessingGuard, Failure> {
    Ok(GuessingGuard::new(
        store.clone(),
        Arc::new(KeyedBuckets::new(keys)),
        Arc::new(DerivedDeviceTokens::new(keys)),
        guess_limits(settings)?,
        clock.clone(),
        ids.clone(),
    ))
}

fn second_factor_limits(settings: &Settings) -> Result<SecondFactorLimits, Failure> {
    Ok(SecondFactorLimits {
        challenge: lasting(settings.auth.mfa_token_lifetime)?,
        attempts: settings.auth.mfa_attempts,
        window: lasting(settings.auth.mfa_attempts_window)?,
    })
}

fn guess_limits(settings: &Settings) -> Result<GuessLimits, Failure> {
    let settings = &settings.guessing;
    let wait = |wait: &Wait| WaitStep { from_guess: wait.from_guess, wait: Duration::seconds(wait.seconds.into()) };
    Ok(GuessLimits {
        per_subject: settings.per_identifier,
        at_once: settings.at_once,
        waits: settings.waits.iter().map(wait).collect(),
        lock: lasting(settings.lock)?,
        per_address_per_hour: Some(settings.per_address_per_hour).filter(|guesses| *guesses > 0),
        device_lifetime: lasting(settings.device_lifetime)?,
    })
}

/// A configured duration as the domain counts.
fn lasting(duration: std::time::Duration) -> Result<Duration, Failure> {
    Duration::from_std(duration).map_err(Failure::configuration)
}
