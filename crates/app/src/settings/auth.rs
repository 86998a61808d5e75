use std::num::NonZeroUsize;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::Url;

use super::parse::{DAY, days, not_empty, optional_secret, optional_text, seconds, within, within_seconds};
use super::secret_strength::check;
use super::{Profile, SettingsError};

const SECRET_KEY: &str = "auth.secret_key (SECRET_KEY)";
const PREVIOUS_SECRET_KEY: &str = "auth.previous_secret_key (SECRET_KEY_PREVIOUS)";
/// Least cost that production accepts.
const PRODUCTION_BCRYPT_COST: u32 = 12;
/// It stands twice in what an app scans.
const LONGEST_TOTP_ISSUER: usize = 100;

/// How access tokens are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Algorithm {
    /// With the secret.
    Hs256,
    /// With keys that others can verify.
    EdDsa,
}

impl TryFrom<String> for Algorithm {
    type Error = &'static str;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        match name.as_str() {
            "HS256" => Ok(Self::Hs256),
            "EdDSA" => Ok(Self::EdDsa),
            _ => Err("must be HS256 or EdDSA"),
        }
    }
}

/// Section `auth`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthSettings {
    #[serde(deserialize_with = "optional_secret")]
    pub(super) secret_key: Option<SecretString>,
    /// What was made under this secret is still accepted.
    #[serde(deserialize_with = "optional_secret")]
    pub previous_secret_key: Option<SecretString>,
    pub algorithm: Algorithm,
    /// How long a key signs, under `EdDSA`.
    #[serde(rename = "signing_key_days", deserialize_with = "days")]
    pub signing_key_lifetime: Duration,
    pub issuer: String,
    pub audience: String,
    #[serde(rename = "access_token_seconds", deserialize_with = "seconds")]
    pub access_token_lifetime: Duration,
    #[serde(rename = "refresh_token_seconds", deserialize_with = "seconds")]
    pub refresh_token_lifetime: Duration,
    #[serde(rename = "refresh_grace_seconds", deserialize_with = "seconds")]
    pub refresh_grace: Duration,
    pub bcrypt_cost: u32,
    /// MiB that an imported argon2id hash may ask for.
    pub argon2_memory_mib: u32,
    /// Passwords that may wait to be hashed.
    pub hash_queue_length: NonZeroUsize,
    /// A zxcvbn score, 0 to 4.
    pub min_password_score: u8,
    pub totp_issuer: String,
    #[serde(rename = "mfa_token_seconds", deserialize_with = "seconds")]
    pub mfa_token_lifetime: Duration,
    /// Codes that may be tried within the window.
    pub mfa_attempts: u32,
    #[serde(rename = "mfa_attempts_window_seconds", deserialize_with = "seconds")]
    pub mfa_attempts_window: Duration,
    /// Whether only accounts with a verified address can sign in.
    pub require_verified_email: bool,
    #[serde(rename = "verify_email_seconds", deserialize_with = "seconds")]
    pub verify_email_lifetime: Duration,
    #[serde(rename = "reset_password_seconds", deserialize_with = "seconds")]
    pub reset_password_lifetime: Duration,
    #[serde(rename = "invitation_seconds", deserialize_with = "seconds")]
    pub invitation_lifetime: Duration,
    /// Where ranges of digests of breached passwords are looked up.
    #[serde(deserialize_with = "optional_text")]
    pub breached_passwords_url: Option<String>,
}

impl AuthSettings {
    pub(super) fn validate(&self, profile: Profile) -> Result<(), SettingsError> {
        self.validate_secret(profile)?;
        self.validate_previous_secret()?;
        within("auth.signing_key_days", self.signing_key_lifetime.as_secs() / DAY, 1..=3_650)?;
        not_empty("auth.issuer", &self.issuer)?;
        not_empty("auth.audience", &self.audience)?;
        within_seconds("auth.access_token_seconds", self.access_token_lifetime, 30..=86_400)?;
        within_seconds("auth.refresh_token_seconds", self.refresh_token_lifetime, 60..=31_622_400)?;
        within_seconds("auth.refresh_grace_seconds", self.refresh_grace, 0..=300)?;
        within("auth.argon2_memory_mib", self.argon2_memory_mib, 1..=4_096)?;
        within("auth.hash_queue_length", self.hash_queue_length.get(), 1..=100_000)?;
        within("auth.min_password_score", self.min_password_score, 0..=4)?;
        self.validate_second_factors()?;
        self.validate_links()?;
        self.validate_breached_passwords_url()?;
        self.validate_bcrypt_cost(profile)
    }

    fn validate_second_factors(&self) -> Result<(), SettingsError> {
        not_empty("auth.totp_issuer", &self.totp_issuer)?;
        if self.totp_issuer.contains(':') || self.totp_issuer.len() > LONGEST_TOTP_ISSUER {
            let problem = format!("must have no colon and at most {LONGEST_TOTP_ISSUER} bytes");
            return Err(SettingsError::invalid("auth.totp_issuer", problem));
        }
        within_seconds("auth.mfa_token_seconds", self.mfa_token_lifetime, 30..=3_600)?;
        within("auth.mfa_attempts", self.mfa_attempts, 1..=100)?;
        within_seconds("auth.mfa_attempts_window_seconds", self.mfa_attempts_window, 60..=86_400)
    }

    fn validate_links(&self) -> Result<(), SettingsError> {
        within_seconds("auth.verify_email_seconds", self.verify_email_lifetime, 300..=2_592_000)?;
        within_seconds("auth.reset_password_seconds", self.reset_password_lifetime, 300..=86_400)?;
        within_seconds("auth.invitation_seconds", self.invitation_lifetime, 3_600..=2_592_000)
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

    /// It was good enough once: only that it is another one is checked.
    fn validate_previous_secret(&self) -> Result<(), SettingsError> {
        let (Some(current), Some(previous)) = (&self.secret_key, &self.previous_secret_key) else { return Ok(()) };
        if current.expose_secret() == previous.expose_secret() {
            return Err(SettingsError::invalid(PREVIOUS_SECRET_KEY, "is auth.secret_key itself; leave it empty"));
        }
        Ok(())
    }

    fn validate_breached_passwords_url(&self) -> Result<(), SettingsError> {
        let Some(text) = &self.breached_passwords_url else { return Ok(()) };
        let is_usable = Url::parse(text).is_ok_and(|url| {
            matches!(url.scheme(), "https" | "http") && url.query().is_none() && url.fragment().is_none()
        });
        let problem = "must be an http or https URL without a query, such as https://api.pwnedpasswords.com/range";
        if is_usable { Ok(()) } else { Err(SettingsError::invalid("auth.breached_passwords_url", problem)) }
    }

    fn validate_bcrypt_cost(&self, profile: Profile) -> Result<(), SettingsError> {
        if profile.is_production() && self.bcrypt_cost < PRODUCTION_BCRYPT_COST {
            let problem = format!("must be at least {PRODUCTION_BCRYPT_COST} in production, not {}", self.bcrypt_cost);
            return Err(SettingsError::invalid("auth.bcrypt_cost", problem));
        }
        within("auth.bcrypt_cost", self.bcrypt_cost, 4..=15)
    }
}
