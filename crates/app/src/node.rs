//! The parts of one process, made from the settings and joined. This is the only place that knows every adapter.

mod audit;
mod collector;
mod doorbell;
mod ground;
mod limits;
mod passwords;
mod post;
mod probe;
mod readings;
mod services;
mod sessions;
mod signing;
mod sync;
mod workers;

use std::sync::Arc;
use std::time::Instant;

use tenantry_application::ports::OneTimePasswords as _;
use tenantry_application::{Administrators, PostOffice};
use tenantry_credentials::{BreachedPasswordLookup, DerivedKeys, Passwords, RandomOneTimePasswords};
use tenantry_http::health::Readiness;
use tenantry_http::metrics::Metrics;
use tenantry_http::paging::CursorKey;
use tenantry_http::{EventStreams, HttpOptions, HttpState, MostStreams, Services};
use tenantry_identity::{Password, Postbox, RevocationFollower};
use tenantry_jobs::{JobsOptions, Worker, WorkerParts};
use tenantry_kernel::{Clock, IdGenerator};
use tenantry_store::{Database, LoginCheck, RoleError, check_role};

use self::collector::ProcessCollector;
use self::doorbell::BellParts;
use self::ground::Ground;
use self::passwords::PasswordParts;
use self::post::MailParts;
use self::probe::DatabaseProbe;
use self::readings::ReadingParts;
use self::sessions::SessionParts;
pub use self::signing::Signing;
use self::sync::SyncParts;
use self::workers::Workers;
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
    /// Seals mails for the outbox.
    pub postbox: Arc<Postbox>,
    /// Sends what is in the outbox.
    pub post_office: Arc<PostOffice>,
    /// How access tokens are signed.
    pub signing: Signing,
    /// Brings in the revocations of other processes.
    pub follower: RevocationFollower,
    sync: SyncParts,
    readings: ReadingParts,
    bells: BellParts,
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
        let bells = BellParts::new(&settings, &database)?;
        let database = database.ringing(Arc::new(bells.doorbell.clone()));
        let ground = Ground::new(&settings, &database, &keys);
        let passwords = PasswordParts::new(&ground)?;
        let signing = Signing::new(&ground)?;
        let mail = MailParts::new(&ground)?;
        let sessions = SessionParts::new(&ground, &passwords, &signing, &mail)?;
        let sync = SyncParts::new(&ground, &bells.doorbell)?;
        let readings = ReadingParts::new(&ground)?;
        let services = services::assemble(&ground, &passwords, &mail, &sessions, &sync, &readings)?;
        let Ground { store, clock, ids, .. } = ground;
        let one_time_passwords = Arc::new(RandomOneTimePasswords);
        Ok(Self {
            administrators: Administrators::new(services.sign_up.clone(), store.clone(), one_time_passwords),
            follower: RevocationFollower::new(sessions.revocations, store, clock.clone()),
            postbox: mail.postbox,
            post_office: mail.post_office,
            passwords: passwords.hasher,
            breached_passwords: passwords.breached,
            signing,
            services,
            sync,
            readings,
            bells,
            settings,
            database,
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
            event_streams: EventStreams::new(MostStreams {
                of_organization: self.settings.server.event_streams_per_organization.into(),
                of_user: self.settings.server.event_streams_per_user.into(),
            }),
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
            tus_checksum_bytes: usize::from(self.settings.sync.tus_checksum_mib) << 20,
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

    /// What works in the background.
    #[must_use]
    pub fn workers(&self) -> Workers {
        Workers {
            jobs: self.jobs_worker(),
            sync: self.sync.worker(&self.services, &self.settings),
            generator: self.readings.generator.clone(),
        }
    }

    fn jobs_worker(&self) -> Worker {
        let (store, settings) = (Arc::new(self.database.clone()), &self.settings.jobs);
        let options = JobsOptions {
            jobs: settings.concurrent_jobs,
            keep_finished: settings.keep_finished,
            keep_failed: settings.keep_failed,
            purge_interval: settings.purge_interval,
            erase_after: settings.erase_after,
            keep_runs: self.settings.sync.keep_runs,
            ..JobsOptions::default()
        };
        let parts = WorkerParts {
            queue: store.clone(),
            housekeeping: store,
            doorbell: self.bells.doorbell.clone(),
            line: self.bells.line.clone(),
            clock: self.clock.clone(),
            ids: self.ids.clone(),
            options,
        };
        let worker = Worker::new(parts)
            .serving(self.readings.queue(&self.settings.readings))
            .sending(self.post_office.clone())
            .keeping_audit_log(Arc::new(self.audit_keeper()));
        if self.signing.is_by_keys() { worker.keeping(self.signing.keys.clone()) } else { worker }
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
