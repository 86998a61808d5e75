use std::path::PathBuf;

use serde::Deserialize;

use super::SettingsError;
use super::parse::not_empty;

/// Section `data`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataSettings {
    pub directory: PathBuf,
}

impl DataSettings {
    /// Where the secret generated for development is kept.
    #[must_use]
    pub fn secret_file(&self) -> PathBuf {
        self.directory.join("secret.key")
    }

    pub(super) fn validate(&self) -> Result<(), SettingsError> {
        not_empty("data.directory", &self.directory.to_string_lossy())
    }
}
