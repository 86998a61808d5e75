use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::SettingsError;
use super::parse::optional_secret;

/// Section `metrics`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetricsSettings {
    /// The bearer token of `GET /metrics`.
    #[serde(deserialize_with = "optional_secret")]
    pub token: Option<SecretString>,
}

impl MetricsSettings {
    pub(super) fn validate(&self) -> Result<(), SettingsError> {
        if self.token.as_ref().is_some_and(|token| token.expose_secret().len() < 16) {
            return Err(SettingsError::invalid("metrics.token", "must have at least 16 bytes"));
        }
        Ok(())
    }
}
