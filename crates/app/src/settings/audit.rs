use chrono::Duration;
use serde::Deserialize;

use super::SettingsError;
use super::parse::within;

/// Section `audit`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditSettings {
    retention_days: u32,
}

impl AuditSettings {
    /// How long entries are kept; none for good.
    #[must_use]
    pub fn retention(&self) -> Option<Duration> {
        (self.retention_days > 0).then(|| Duration::days(self.retention_days.into()))
    }

    pub(super) fn validate(&self) -> Result<(), SettingsError> {
        within("audit.retention_days", self.retention_days, 0..=36_525)
    }
}
