use chrono::{DateTime, Utc};
use serde::Deserialize;
use tenantry_identity::{Email, FullName, ImportedAccount, PasswordHash, Username};

/// A row of a file as it stands there. An empty text is as good as none.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    pub email: Option<String>,
    pub username: Option<String>,
    pub full_name: Option<String>,
    pub password_hash: Option<String>,
    pub email_verified: Option<bool>,
    pub created_at: Option<String>,
}

impl Row {
    /// The names of the columns.
    pub const COLUMNS: [&str; 6] = ["email", "username", "full_name", "password_hash", "email_verified", "created_at"];

    /// The account that the row describes; a message that names the first bad column otherwise.
    pub fn parse(self) -> Result<ImportedAccount, String> {
        let email = required("email", self.email)?;
        let hash = required("password_hash", self.password_hash)?;
        Ok(ImportedAccount {
            email: Email::parse(&email).map_err(|error| format!("email {error}"))?,
            username: optional("username", self.username, Username::parse)?,
            full_name: optional("full_name", self.full_name, FullName::parse)?,
            password_hash: PasswordHash::from_stored(hash.trim().to_owned()),
            is_email_verified: self.email_verified.unwrap_or_default(),
            created_at: optional("created_at", self.created_at, parse_time)?,
        })
    }
}

fn given(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.trim().is_empty())
}

fn required(column: &str, text: Option<String>) -> Result<String, String> {
    given(text).ok_or_else(|| format!("{column} is missing"))
}

fn optional<T, E: std::fmt::Display>(
    column: &str,
    text: Option<String>,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Result<Option<T>, String> {
    given(text).map(|text| parse(&text).map_err(|error| format!("{column} {error}"))).transpose()
}

fn parse_time(text: &str) -> Result<DateTime<Utc>, &'static str> {
    let time = DateTime::parse_from_rfc3339(text.trim());
    time.map(|time| time.to_utc()).or(Err("must be a time such as 2026-01-31T10:00:00Z"))
}
