use secrecy::SecretString;
use serde::Deserialize;

use super::parse::optional_secret;

/// Section `redis`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedisSettings {
    /// May hold a password.
    #[serde(deserialize_with = "optional_secret")]
    pub url: Option<SecretString>,
}
