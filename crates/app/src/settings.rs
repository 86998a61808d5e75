//! Settings: `config/default.toml`, then the file of the profile, then the environment.
//!
//! - [`Settings::load`] reads and checks them all; [`Settings::load_from`] does so from given sources.
//! - One file a section. A section's type is parsed and checked: nothing downstream parses again.
//! - [`Settings::secret_key`]: the configured secret, or the one generated for development.

mod audit;
mod auth;
mod cors;
mod data;
mod database;
mod error;
mod folder;
mod guessing;
mod idempotency;
mod jobs;
mod layers;
mod listing;
mod log;
mod mail;
mod metrics;
mod objects;
mod parse;
mod profile;
mod push;
mod rate_limit;
mod readings;
mod redis;
mod secret_file;
mod secret_strength;
mod server;
mod sync;
mod variables;

use std::path::{Path, PathBuf};

use secrecy::SecretString;
use serde::Deserialize;
use tenantry_store::{DatabaseUrl, StoreOptions};

pub use self::audit::AuditSettings;
pub use self::auth::{Algorithm, AuthSettings};
pub use self::cors::CorsSettings;
pub use self::data::DataSettings;
pub use self::database::DatabaseSettings;
pub use self::error::SettingsError;
pub use self::guessing::{GuessingSettings, Wait};
pub use self::idempotency::IdempotencySettings;
pub use self::jobs::JobsSettings;
pub use self::listing::Listing;
pub use self::log::{LogFormat, LogSettings};
pub use self::mail::{MailSettings, MailTransportKind};
pub use self::metrics::MetricsSettings;
pub use self::objects::{ObjectsKind, ObjectsSettings};
pub use self::profile::Profile;
pub use self::push::PushSettings;
pub use self::rate_limit::RateLimitSettings;
pub use self::readings::{OFFLINE, ProviderKind, ProviderSettings, ReadingsSettings};
pub use self::redis::RedisSettings;
pub use self::server::ServerSettings;
pub use self::sync::{Allowance, SyncSettings};
pub use self::variables::Variables;

/// Where the files of the profiles lie, seen from the working directory.
const DIRECTORY: &str = "config";

/// All settings, checked. `Debug` shows no secret.
#[derive(Debug, Clone)]
pub struct Settings {
    pub profile: Profile,
    pub server: ServerSettings,
    pub data: DataSettings,
    /// What [`Settings::database_url`] takes its default from, and everything else about the database.
    pub database: DatabaseSettings,
    pub audit: AuditSettings,
    pub auth: AuthSettings,
    pub cors: CorsSettings,
    pub guessing: GuessingSettings,
    pub idempotency: IdempotencySettings,
    pub jobs: JobsSettings,
    pub log: LogSettings,
    pub mail: MailSettings,
    pub metrics: MetricsSettings,
    pub objects: ObjectsSettings,
    pub rate_limit: RateLimitSettings,
    pub readings: ReadingsSettings,
    pub redis: RedisSettings,
    pub sync: SyncSettings,
    /// The files that secrets came from.
    pub secret_files: Vec<PathBuf>,
    listing: Listing,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sections {
    server: ServerSettings,
    data: DataSettings,
    database: DatabaseSettings,
    audit: AuditSettings,
    auth: AuthSettings,
    cors: CorsSettings,
    guessing: GuessingSettings,
    idempotency: IdempotencySettings,
    jobs: JobsSettings,
    log: LogSettings,
    mail: MailSettings,
    metrics: MetricsSettings,
    objects: ObjectsSettings,
    rate_limit: RateLimitSettings,
    readings: ReadingsSettings,
    redis: RedisSettings,
    sync: SyncSettings,
}

impl Settings {
    /// Reads the process's environment and the files in `config/`.
    pub fn load() -> Result<Self, SettingsError> {
        Self::load_from(&Variables::of_process(), Path::new(DIRECTORY))
    }

    /// Reads `variables` in place of the environment, and the profile's file from `directory` if it is there.
    pub fn load_from(variables: &Variables, directory: &Path) -> Result<Self, SettingsError> {
        let profile = Profile::from_variables(variables)?;
        let merged = layers::merge(profile, variables, directory)?;
        let listing = Listing::new(profile, &merged);
        let sections: Sections = layers::deserialize(merged)?;
        let settings = sections.assemble(profile, variables.secret_files(), listing);
        settings.validate()?;
        Ok(settings)
    }

    /// Where the database is: `database.url`, or else the SQLite file in the data folder.
    #[must_use]
    pub fn database_url(&self) -> DatabaseUrl {
        let default = || DatabaseUrl::Sqlite(self.data.directory.join("tenantry.db"));
        self.database.url.clone().unwrap_or_else(default)
    }

    /// Where the database is, as the login that owns the tables.
    #[must_use]
    pub fn migration_url(&self) -> DatabaseUrl {
        self.database.migration_url.clone().unwrap_or_else(|| self.database_url())
    }

    /// How the store reaches and uses the database.
    #[must_use]
    pub fn store_options(&self) -> StoreOptions {
        let database = &self.database;
        StoreOptions {
            url: self.database_url(),
            platform_url: database.platform_url.clone(),
            pool_size: database.pool_size,
            pool_overflow: database.pool_overflow,
            pre_ping: database.pre_ping,
            log_sql: database.log_sql,
            acquire_timeout: database.acquire_timeout,
            statement_timeout: database.statement_timeout,
        }
    }

    /// Makes the folders that this process writes to, and the SQLite file, where they are missing.
    pub fn create_folders(&self) -> Result<(), SettingsError> {
        folder::create_private(&self.data.directory)?;
        match self.database_url().sqlite_path() {
            Some(file) => {
                let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty());
                parent.map_or(Ok(()), folder::create_private)?;
                // SQLite gives the files beside it the same mode.
                folder::create_private_file(file)
            }
            None => Ok(()),
        }
    }

    /// The configured secret; elsewhere than in production, where [`Settings::load`] insists on one, else the secret
    /// in the data folder, which is made at the first call.
    pub fn secret_key(&self) -> Result<SecretString, SettingsError> {
        match &self.auth.secret_key {
            Some(secret) => Ok(secret.clone()),
            None => secret_file::read_or_create(&self.data.secret_file()),
        }
    }

    /// Every setting in effect and its source, for people to read.
    #[must_use]
    pub fn listing(&self) -> &Listing {
        &self.listing
    }

    fn validate(&self) -> Result<(), SettingsError> {
        self.server.validate()?;
        self.data.validate()?;
        self.database.validate(self.profile, &self.database_url())?;
        self.audit.validate()?;
        self.auth.validate(self.profile)?;
        self.cors.validate()?;
        self.guessing.validate()?;
        self.idempotency.validate()?;
        self.jobs.validate()?;
        self.log.validate()?;
        self.mail.validate()?;
        self.metrics.validate()?;
        self.objects.validate()?;
        self.readings.validate()?;
        self.sync.validate()?;
        self.rate_limit.validate()
    }
}

impl Sections {
    fn assemble(self, profile: Profile, secret_files: Vec<PathBuf>, listing: Listing) -> Settings {
        let Self {
            server,
            data,
            database,
            audit,
            auth,
            cors,
            guessing,
            idempotency,
            jobs,
            log,
            mail,
            metrics,
            objects,
            rate_limit,
            readings,
            redis,
            sync,
        } = self;
        Settings {
            profile,
            server,
            data,
            database,
            audit,
            auth,
            cors,
            guessing,
            idempotency,
            jobs,
            log,
            mail,
            metrics,
            objects,
            rate_limit,
            readings,
            redis,
            sync,
            secret_files,
            listing,
        }
    }
}

#[cfg(test)]
mod tests;
