//! The parts of one process, made from the settings and joined. This is the only place that knows every adapter.

mod collector;
mod probe;

use std::sync::Arc;
use std::time::Instant;

use chrono::Duration;
use tenantry_application::ports::OneTimePasswords as _;
use tenantry_application::{
    Administrators, IdempotentRequests, Members, Profile, SessionLimits, SignIn, SignUp, TokenIssuer,
};
use tenantry_credentials::{
    BcryptCost, DerivedKeys, DerivedRefreshTokens, HashingOptions, JwtAccessTokens, Passwords, RandomOneTimePasswords,
    SealedBox,
};
use tenantry_http::health::Readiness;
use tenantry_http::metrics::Metrics;
use tenantry_http::paging::CursorKey;
use tenantry_http::{HttpOptions, HttpState, Services};
use tenantry_identity::{
    Accounts, Authenticator, Password, PasswordPolicy, RefreshGrace, Registration, RevocationFollower, RevocationList,
};
use tenantry_jobs::{JobsOptions, QueueDatabase, Worker};
use tenantry_kernel::{Clock, IdGenerator, SystemClock, SystemIds};
use tenantry_store::{Database, LoginCheck, RoleError, SqlPool, check_role};
use tenantry_tasks::Tasks;
use tenantry_tenancy::{Entrance, Organizations, Projects};

use self::collector::ProcessCollector;
use self::probe::DatabaseProbe;
use crate::failure::Failure;
use crate::schema;
use crate::settings::{Profile as RunProfile, Settings};

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
    /// Projects.
    pub projects: Projects,
    /// Brings in the revocations of other processes.
    pub follower: RevocationFollower,
    passwords: Arc<Passwords>,
    keys: DerivedKeys,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdGenerator>,
    started: Instant,
}

impl Node {
    /// Opens the database, migrates it where the settings say so, checks that its roles are safe, and joins the parts.
    pub async fn open(settings: Settings) -> Result<Self, Failure> {
        let started = Instant::now();
        settings.create_folders()?;
        let keys = DerivedKeys::derive(&settings.secret_key()?);
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
        let access_tokens = Arc::new(JwtAccessTokens::new(&keys, &settings.auth.issuer, &settings.auth.audience));
        let refresh_tokens = Arc::new(DerivedRefreshTokens::new(&keys));
        let limits = session_limits(&settings)?;
        let policy = PasswordPolicy::new(settings.auth.min_password_score);
        let revocations = Arc::new(RevocationList::default());

        let tokens = Arc::new(TokenIssuer::new(access_tokens.clone(), refresh_tokens.clone(), limits, ids.clone()));
        let authenticator = Arc::new(Authenticator::new(
            store.clone(),
            passwords.clone(),
            access_tokens,
            refresh_tokens,
            revocations.clone(),
            store.clone(),
            clock.clone(),
        ));
        let accounts = Arc::new(Accounts::new(
            store.clone(),
            passwords.clone(),
            policy,
            revocations.clone(),
            limits.access_token,
            clock.clone(),
            ids.clone(),
        ));
        let registration = Registration::new(passwords.clone(), policy, clock.clone(), ids.clone());
        let sign_up = Arc::new(SignUp::new(registration, store.clone(), tokens.clone(), clock.clone(), ids.clone()));
        let sign_in = SignIn::new(
            authenticator.clone(),
            accounts.clone(),
            passwords.clone(),
            store.clone(),
            tokens,
            revocations.clone(),
            clock.clone(),
        );
        let requests = IdempotentRequests::new(
            store.clone(),
            Arc::new(SealedBox::new(&keys)),
            lasting(settings.idempotency.ttl)?,
            // A request that was given up can't still be running.
            lasting(settings.server.request_timeout)? + Duration::seconds(5),
            clock.clone(),
            ids.clone(),
        );
        let profile = Profile::new(accounts.clone(), store.clone(), revocations.clone(), clock.clone());
        let services = Services {
            authenticator,
            entrance: Arc::new(Entrance::new(store.clone())),
            sign_up: sign_up.clone(),
            sign_in: Arc::new(sign_in),
            accounts,
            profile: Arc::new(profile),
            members: Arc::new(Members::new(store.clone(), clock.clone())),
            organizations: Arc::new(Organizations::new(store.clone(), clock.clone(), ids.clone())),
            tasks: Arc::new(Tasks::new(store.clone(), clock.clone(), ids.clone())),
            requests: Arc::new(requests),
        };
        Ok(Self {
            administrators: Administrators::new(sign_up, store.clone(), Arc::new(RandomOneTimePasswords)),
            projects: Projects::new(store.clone(), clock.clone(), ids.clone()),
            follower: RevocationFollower::new(revocations, store, clock.clone()),
            settings,
            database,
            services,
            passwords,
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
            ProcessCollector::new(self.database.clone(), self.passwords.clone()).map_err(Failure::because)?;
        metrics.registry().register(Box::new(collector)).map_err(Failure::because)?;
        Ok(HttpState {
            services: self.services.clone(),
            clock: self.clock.clone(),
            ids: self.ids.clone(),
            health: Arc::new(DatabaseProbe(self.database.clone())),
            readiness,
            metrics,
            cursors: CursorKey::new(self.keys.cursors()),
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
        Worker::new(queue, Arc::new(self.database.clone()), self.clock.clone(), self.ids.clone(), options)
    }
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

fn start_passwords(settings: &Settings) -> Result<Passwords, Failure> {
    let cost = BcryptCost::new(settings.auth.bcrypt_cost)
        .ok_or_else(|| Failure::configuration("`auth.bcrypt_cost` must be between 4 and 15"))?;
    let options = HashingOptions::for_this_machine(settings.auth.hash_queue_length);
    Passwords::start(cost, options).map_err(Failure::because)
}

fn session_limits(settings: &Settings) -> Result<SessionLimits, Failure> {
    Ok(SessionLimits {
        access_token: lasting(settings.auth.access_token_lifetime)?,
        refresh_token: lasting(settings.auth.refresh_token_lifetime)?,
        refresh_grace: RefreshGrace(lasting(settings.auth.refresh_grace)?),
    })
}

/// A configured duration as the domain counts.
fn lasting(duration: std::time::Duration) -> Result<Duration, Failure> {
    Duration::from_std(duration).map_err(Failure::configuration)
}
