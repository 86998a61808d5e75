use std::fmt;

use config::{Value, ValueKind};
use tenantry_store::DatabaseUrl;

use super::Profile;
use super::layers::Layer;

const SECRETS: [&str; 4] = ["auth.previous_secret_key", "auth.secret_key", "metrics.token", "readings.api_key"];
const URLS: [&str; 3] = ["database.migration_url", "database.platform_url", "database.url"];

/// Every setting in effect and its source, a line each, without secrets.
#[derive(Debug, Clone)]
pub struct Listing(Vec<Line>);

#[derive(Debug, Clone)]
struct Line {
    key: String,
    value: String,
    origin: String,
}

impl Listing {
    pub(super) fn new(profile: Profile, merged: &Layer) -> Self {
        let profile = Line { key: "profile".to_owned(), value: profile.to_string(), origin: "TENANTRY_ENV".to_owned() };
        let lines = merged.0.iter().map(|(key, value)| Line {
            key: key.clone(),
            value: shown(key, value),
            origin: value.origin().unwrap_or("default").to_owned(),
        });
        Self(std::iter::once(profile).chain(lines).collect())
    }
}

impl fmt::Display for Listing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Line { key, value, origin } in &self.0 {
            writeln!(formatter, "{:<60} # {origin}", format!("{key} = {value}"))?;
        }
        Ok(())
    }
}

fn shown(key: &str, value: &Value) -> String {
    match &value.kind {
        ValueKind::String(text) if text.is_empty() => "\"\"".to_owned(),
        ValueKind::String(_) if SECRETS.contains(&key) => "[redacted]".to_owned(),
        ValueKind::String(text) if URLS.contains(&key) => {
            DatabaseUrl::parse(text).map_or_else(|_| "[redacted]".to_owned(), |url| format!("\"{url:?}\""))
        }
        ValueKind::String(text) => format!("{text:?}"),
        ValueKind::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| shown(key, item)).collect();
            format!("[{}]", items.join(", "))
        }
        // What stands there may be nobody's to read.
        ValueKind::Table(_) => "{…}".to_owned(),
        other => other.to_string(),
    }
}
