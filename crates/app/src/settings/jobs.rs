use std::time::Duration;

use serde::Deserialize;

use super::SettingsError;
use super::parse::{DAY, HOUR, days, hours, seconds, within, within_seconds};

/// Section `jobs`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobsSettings {
    pub concurrent_jobs: u16,
    #[serde(rename = "keep_finished_hours", deserialize_with = "hours")]
    pub keep_finished: Duration,
    #[serde(rename = "keep_failed_days", deserialize_with = "days")]
    pub keep_failed: Duration,
    #[serde(rename = "purge_interval_seconds", deserialize_with = "seconds")]
    pub purge_interval: Duration,
    #[serde(rename = "erase_after_days", deserialize_with = "days")]
    pub erase_after: Duration,
}

impl JobsSettings {
    pub(super) fn validate(&self) -> Result<(), SettingsError> {
        within("jobs.concurrent_jobs", self.concurrent_jobs, 1..=1_000)?;
        within("jobs.keep_finished_hours", self.keep_finished.as_secs() / HOUR, 0..=8_760)?;
        within("jobs.keep_failed_days", self.keep_failed.as_secs() / DAY, 0..=3_650)?;
        within_seconds("jobs.purge_interval_seconds", self.purge_interval, 1..=86_400)?;
        within("jobs.erase_after_days", self.erase_after.as_secs() / DAY, 0..=36_525)
    }
}
