use serde::Deserialize;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

use super::{Profile, SettingsError};

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum LogFormat {
    /// [`LogFormat::Json`] in production, else [`LogFormat::Pretty`].
    Auto,
    Json,
    Pretty,
}

impl TryFrom<String> for LogFormat {
    type Error = &'static str;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        match name.as_str() {
            "auto" => Ok(Self::Auto),
            "json" => Ok(Self::Json),
            "pretty" => Ok(Self::Pretty),
            _ => Err("must be auto, json or pretty"),
        }
    }
}

/// Section `log`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogSettings {
    format: LogFormat,
    /// A level, or a filter in the syntax of `RUST_LOG`.
    pub level: String,
}

impl LogSettings {
    /// Whether lines are JSON under `profile`.
    #[must_use]
    pub fn is_json(&self, profile: Profile) -> bool {
        match self.format {
            LogFormat::Auto => profile.is_production(),
            LogFormat::Json => true,
            LogFormat::Pretty => false,
        }
    }

    /// What is logged.
    pub fn filter(&self) -> Result<EnvFilter, SettingsError> {
        let problem = |error: ParseError| format!("is no level and no filter: {error}");
        let filter = EnvFilter::builder().parse(&self.level);
        filter.map_err(|error| SettingsError::invalid("log.level (RUST_LOG)", problem(error)))
    }

    pub(super) fn validate(&self) -> Result<(), SettingsError> {
        self.filter().map(drop)
    }
}
