use std::time::Duration;

use serde::Deserialize;

use super::SettingsError;
use super::parse::{seconds, within_seconds};

/// Section `idempotency`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdempotencySettings {
    #[serde(rename = "ttl_seconds", deserialize_with = "seconds")]
    pub ttl: Duration,
}

impl IdempotencySettings {
    pub(super) fn validate(&self) -> Result<(), SettingsError> {
        within_seconds("idempotency.ttl_seconds", self.ttl, 60..=2_592_000)
    }
}
