use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;

use super::SettingsError;
use super::layers::{Schema, unknown};

const PREFIX: &str = "TENANTRY__";
const FILE_SUFFIX: &str = "_FILE";
/// Names that platforms and other tools use. They win over the prefixed ones.
const ALIASES: [(&str, &str); 5] = [
    ("DATABASE_URL", "database.url"),
    ("SECRET_KEY", "auth.secret_key"),
    ("SECRET_KEY_PREVIOUS", "auth.previous_secret_key"),
    ("PORT", "server.port"),
    ("RUST_LOG", "log.level"),
];
const ACCESS_TOKEN_MINUTES: &str = "ACCESS_TOKEN_EXPIRE_MINUTES";
/// What may come from a file named by `…_FILE`, as secret managers provide it.
pub(super) const FROM_FILE: [&str; 8] = [
    "auth.previous_secret_key",
    "auth.secret_key",
    "database.migration_url",
    "database.platform_url",
    "database.url",
    "mail.smtp_url",
    "metrics.token",
    "readings.api_key",
];

/// Environment variables: the process's own, or a test's.
#[derive(Debug, Clone, Default)]
pub struct Variables(BTreeMap<String, OsString>);

/// A setting as the environment gives it.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) text: String,
    /// The variable's name.
    pub(super) origin: String,
}

impl Variables {
    /// Those of this process. Variables with a name that is not Unicode are none of ours.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    pub fn of_process() -> Self {
        Self(std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value))).collect())
    }

    /// The value of `name`; empty counts as unset, since compose files pass empty values for absent ones.
    pub(super) fn get(&self, name: &str) -> Result<Option<String>, SettingsError> {
        let Some(value) = self.0.get(name).filter(|value| !value.is_empty()) else { return Ok(None) };
        match value.to_str() {
            Some(text) => Ok(Some(text.to_owned())),
            None => Err(SettingsError::NotUnicode(name.to_owned())),
        }
    }

    /// The settings that the environment holds, the ones that win last.
    pub(super) fn entries(&self, schema: &Schema) -> Result<Vec<Entry>, SettingsError> {
        let mut entries = Vec::new();
        for name in self.0.keys().filter(|name| name.starts_with(PREFIX)) {
            entries.extend(self.prefixed(name, schema)?);
        }
        for (name, key) in ALIASES {
            entries.extend(self.either(name, key)?);
        }
        entries.extend(self.access_token_minutes()?);
        Ok(entries)
    }

    /// The files that secrets come from.
    pub(super) fn secret_files(&self) -> Vec<PathBuf> {
        let is_secret = |name: &str| {
            let alias = ALIASES.iter().find(|(alias, _)| *alias == name).map(|(_, key)| (*key).to_owned());
            FROM_FILE.contains(&alias.unwrap_or_else(|| key_of(name)).as_str())
        };
        let files = self.0.iter().filter(|(name, _)| name.strip_suffix(FILE_SUFFIX).is_some_and(is_secret));
        files.filter(|(_, path)| !path.is_empty()).map(|(_, path)| PathBuf::from(path)).collect()
    }

    fn prefixed(&self, name: &str, schema: &Schema) -> Result<Option<Entry>, SettingsError> {
        let base = name.strip_suffix(FILE_SUFFIX).unwrap_or(name);
        let key = key_of(base);
        if base != name && FROM_FILE.contains(&key.as_str()) {
            return self.either(base, &key);
        }
        let key = key_of(name);
        if !schema.contains(&key) {
            return Err(unknown(schema, key, name));
        }
        self.either(name, &key)
    }

    /// The setting `key` from `name`, or from the file that `name_FILE` names where that is allowed.
    fn either(&self, name: &str, key: &str) -> Result<Option<Entry>, SettingsError> {
        let file_variable = format!("{name}{FILE_SUFFIX}");
        let value = self.get(name)?;
        let file = if FROM_FILE.contains(&key) { self.get(&file_variable)? } else { None };
        let (text, origin) = match (value, file) {
            (Some(_), Some(_)) => return Err(SettingsError::SetTwice { name: name.to_owned() }),
            (Some(text), None) => (text, name.to_owned()),
            (None, Some(path)) => (read(path.into())?, file_variable),
            (None, None) => return Ok(None),
        };
        Ok(Some(Entry { key: key.to_owned(), text, origin }))
    }

    fn access_token_minutes(&self) -> Result<Option<Entry>, SettingsError> {
        let Some(text) = self.get(ACCESS_TOKEN_MINUTES)? else { return Ok(None) };
        let seconds = text.parse::<u32>().ok().and_then(|minutes| minutes.checked_mul(60));
        let seconds = seconds.ok_or_else(|| SettingsError::WrongType {
            setting: "auth.access_token_seconds".to_owned(),
            expected: "a whole number of minutes",
            origin: ACCESS_TOKEN_MINUTES.to_owned(),
        })?;
        let key = "auth.access_token_seconds".to_owned();
        Ok(Some(Entry { key, text: seconds.to_string(), origin: ACCESS_TOKEN_MINUTES.to_owned() }))
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Variables {
    fn from(variables: [(&str, &str); N]) -> Self {
        variables.into_iter().collect()
    }
}

impl<'a> FromIterator<(&'a str, &'a str)> for Variables {
    /// The last of two with the same name counts.
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a str)>>(variables: I) -> Self {
        Self(variables.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect())
    }
}

/// `TENANTRY__SERVER__PORT` is `server.port`.
fn key_of(name: &str) -> String {
    name.strip_prefix(PREFIX).unwrap_or(name).replace("__", ".").to_lowercase()
}

/// Without the line break that editors leave at the end.
pub(super) fn read(path: PathBuf) -> Result<String, SettingsError> {
    match fs::read_to_string(&path) {
        Ok(text) => Ok(text.trim_end_matches(['\r', '\n']).to_owned()),
        Err(source) => Err(SettingsError::Io { action: "read", path, source }),
    }
}
