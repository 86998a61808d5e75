use std::time::Duration;

use serde::Deserialize;

use super::SettingsError;
use super::parse::{DAY, days, seconds, within, within_seconds};

/// Section `jobs`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobsSettings {
    #[serde(rename = "purge_interval_seconds", deserialize_with = "seconds")]
    pub purge_interval: Duration,
    #[serde(rename = "erase_after_days", deserialize_with = "days")]
    pub erase_after: Duration,
}

impl JobsSettings {
    pub(super) fn validate(&self) -> Result<(), SettingsError> {
        within_seconds("jobs.purge_interval_seconds", self.purge_interval, 1..=86_400)?;
        within("jobs.erase_after_days", self.erase_after.as_secs() / DAY, 0..=36_525)
    }
}
