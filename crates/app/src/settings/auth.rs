use std::num::NonZeroUsize;
use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;

use super::parse::{not_empty, optional_secret, seconds, within, within_seconds};
use super::secret_strength::check;
use super::{Profile, SettingsError};

const SECRET_KEY: &str = "auth.secret_key (SECRET_KEY)";
/// Least cost that production accepts.
const PRODUCTION_BCRYPT_COST: u32 = 12;

/// How access tokens are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Algorithm {
    Hs256,
}

impl TryFrom<String> for Algorithm {
    type Error = &'static str;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        if name == "HS256" { Ok(Self::Hs256) } else { Err("must be HS256") }
    }
}

/// Section `auth`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthSettings {
    #[serde(deserialize_with = "optional_secret")]
    pub(super) secret_key: Option<SecretString>,
    pub algorithm: Algorithm,
    pub issuer: String,
    pub audience: String,
    #[serde(rename = "access_token_seconds", deserialize_with = "seconds")]
    pub access_token_lifetime: Duration,
    #[serde(rename = "refresh_token_seconds", deserialize_with = "seconds")]
    pub refresh_token_lifetime: Duration,
    #[serde(rename = "refresh_grace_seconds", deserialize_with = "seconds")]
    pub refresh_grace: Duration,
    pub bcrypt_cost: u32,
    /// Passwords that may wait to be hashed.
    pub hash_queue_length: NonZeroUsize,
    /// A zxcvbn score, 0 to 4.
    pub min_password_score: u8,
}

impl AuthSettings {
    pub(super) fn validate(&self, profile: Profile) -> Result<(), SettingsError> {
        self.validate_secret(profile)?;
        not_empty("auth.issuer", &self.issuer)?;
        not_empty("auth.audience", &self.audience)?;
        within_seconds("auth.access_token_seconds", self.access_token_lifetime, 30..=86_400)?;
        within_seconds("auth.refresh_token_seconds", self.refresh_token_lifetime, 60..=31_622_400)?;
        within_seconds("auth.refresh_grace_seconds", self.refresh_grace, 0..=300)?;
        within("auth.hash_queue_length", self.hash_queue_length.get(), 1..=100_000)?;
        within("auth.min_password_score", self.min_password_score, 0..=4)?;
        self.validate_bcrypt_cost(profile)
    }

    fn validate_secret(&self, profile: Profile) -> Result<(), SettingsError> {
        match &self.secret_key {
            Some(secret) => check(secret, profile).map_err(|weakness| SettingsError::invalid(SECRET_KEY, weakness)),
            None if profile.is_production() => {
                let problem = "is missing; production needs a random value of at least 32 bytes";
                Err(SettingsError::invalid(SECRET_KEY, problem))
            }
            None => Ok(()),
        }
    }

    fn validate_bcrypt_cost(&self, profile: Profile) -> Result<(), SettingsError> {
        if profile.is_production() && self.bcrypt_cost < PRODUCTION_BCRYPT_COST {
            let problem = format!("must be at least {PRODUCTION_BCRYPT_COST} in production, not {}", self.bcrypt_cost);
            return Err(SettingsError::invalid("auth.bcrypt_cost", problem));
        }
        within("auth.bcrypt_cost", self.bcrypt_cost, 4..=15)
    }
}
