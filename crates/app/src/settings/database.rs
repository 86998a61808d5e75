use std::time::Duration;

use serde::Deserialize;
use tenantry_store::DatabaseUrl;

use super::parse::{optional_parsed, seconds, within, within_seconds};
use super::{Profile, SettingsError};

/// Section `database`.
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own in the settings file")]
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseSettings {
    #[serde(deserialize_with = "optional_parsed")]
    pub(super) url: Option<DatabaseUrl>,
    /// PostgreSQL: the login that owns the tables, where it is not that of the database URL.
    #[serde(deserialize_with = "optional_parsed")]
    pub migration_url: Option<DatabaseUrl>,
    /// PostgreSQL: the login of platform administration, where it is not that of the database URL.
    #[serde(deserialize_with = "optional_parsed")]
    pub platform_url: Option<DatabaseUrl>,
    /// Connections kept open.
    pub pool_size: u32,
    /// Connections beyond those while there is need.
    pub pool_overflow: u32,
    pub pre_ping: bool,
    #[serde(rename = "acquire_timeout_seconds", deserialize_with = "seconds")]
    pub acquire_timeout: Duration,
    #[serde(rename = "statement_timeout_seconds", deserialize_with = "seconds")]
    pub statement_timeout: Duration,
    pub migrate_on_start: bool,
    pub log_sql: bool,
    allow_sqlite: bool,
}

impl DatabaseSettings {
    pub(super) fn validate(&self, profile: Profile, url: &DatabaseUrl) -> Result<(), SettingsError> {
        within("database.pool_size", self.pool_size, 1..=1_000)?;
        within("database.pool_overflow", self.pool_overflow, 0..=1_000)?;
        within_seconds("database.acquire_timeout_seconds", self.acquire_timeout, 1..=600)?;
        within_seconds("database.statement_timeout_seconds", self.statement_timeout, 1..=30)?;
        self.validate_other_logins(url)?;
        if profile.is_production() && url.is_sqlite() && !self.allow_sqlite {
            let problem = "(DATABASE_URL) is SQLite, which production uses only with database.allow_sqlite = true";
            return Err(SettingsError::invalid("database.url", problem));
        }
        Ok(())
    }

    fn validate_other_logins(&self, main: &DatabaseUrl) -> Result<(), SettingsError> {
        let others = [("database.migration_url", &self.migration_url), ("database.platform_url", &self.platform_url)];
        let wrong =
            others.into_iter().find(|(_, url)| url.as_ref().is_some_and(|url| url.is_sqlite() || main.is_sqlite()));
        let Some((setting, _)) = wrong else { return Ok(()) };
        Err(SettingsError::invalid(
            setting,
            "names another login of a PostgreSQL database, and database.url (DATABASE_URL) must be one too",
        ))
    }
}
