use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use tenantry_mail::SmtpUrl;
use url::Url;

use super::SettingsError;
use super::parse::{DAY, days, not_empty, optional_parsed, optional_text, seconds, within, within_seconds};

/// How mail leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum MailTransportKind {
    /// A file a mail.
    Directory,
    /// A mail server.
    Smtp,
    /// Not at all.
    None,
}

impl TryFrom<String> for MailTransportKind {
    type Error = &'static str;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        match name.as_str() {
            "directory" => Ok(Self::Directory),
            "smtp" => Ok(Self::Smtp),
            "none" => Ok(Self::None),
            _ => Err("must be directory, smtp or none"),
        }
    }
}

/// Section `mail`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailSettings {
    pub transport: MailTransportKind,
    #[serde(deserialize_with = "optional_text")]
    directory: Option<String>,
    #[serde(deserialize_with = "optional_parsed")]
    pub smtp_url: Option<SmtpUrl>,
    #[serde(deserialize_with = "optional_text")]
    smtp_ca_file: Option<String>,
    #[serde(rename = "timeout_seconds", deserialize_with = "seconds")]
    pub timeout: Duration,
    pub from: String,
    pub product_name: String,
    #[serde(deserialize_with = "optional_text")]
    link_base_url: Option<String>,
    pub max_tries: u32,
    #[serde(rename = "retry_seconds", deserialize_with = "seconds")]
    pub retry: Duration,
    #[serde(rename = "longest_retry_seconds", deserialize_with = "seconds")]
    pub longest_retry: Duration,
    pub per_recipient_per_hour: u32,
    #[serde(rename = "keep_days", deserialize_with = "days")]
    pub keep: Duration,
}

impl MailSettings {
    /// Where mails are written to.
    #[must_use]
    pub fn directory(&self, data: &Path) -> PathBuf {
        self.directory.as_ref().map_or_else(|| data.join("mail"), PathBuf::from)
    }

    /// Certificates that are trusted beside the public ones.
    #[must_use]
    pub fn smtp_ca_file(&self) -> Option<PathBuf> {
        self.smtp_ca_file.as_ref().map(PathBuf::from)
    }

    /// Where links lead, without a slash at the end.
    #[must_use]
    pub fn link_base_url(&self, server: String) -> String {
        self.link_base_url.as_ref().map_or(server, |url| url.trim_end_matches('/').to_owned())
    }

    pub(super) fn validate(&self) -> Result<(), SettingsError> {
        not_empty("mail.from", &self.from)?;
        not_empty("mail.product_name", &self.product_name)?;
        if self.transport == MailTransportKind::Smtp && self.smtp_url.is_none() {
            return Err(SettingsError::invalid("mail.smtp_url", "is missing, and mail.transport is smtp"));
        }
        self.validate_link_base_url()?;
        within_seconds("mail.timeout_seconds", self.timeout, 1..=600)?;
        within("mail.max_tries", self.max_tries, 1..=100)?;
        within_seconds("mail.retry_seconds", self.retry, 1..=86_400)?;
        within_seconds("mail.longest_retry_seconds", self.longest_retry, 1..=86_400)?;
        within("mail.per_recipient_per_hour", self.per_recipient_per_hour, 1..=1_000)?;
        within("mail.keep_days", self.keep.as_secs() / DAY, 1..=365)
    }

    fn validate_link_base_url(&self) -> Result<(), SettingsError> {
        let Some(text) = &self.link_base_url else { return Ok(()) };
        let is_good =
            |url: &Url| matches!(url.scheme(), "http" | "https") && url.query().is_none() && url.fragment().is_none();
        if Url::parse(text).is_ok_and(|url| is_good(&url)) {
            return Ok(());
        }
        Err(SettingsError::invalid("mail.link_base_url", format!("must be http(s)://host[:port][/path], not {text:?}")))
    }
}
