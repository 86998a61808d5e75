use std::time::Duration;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

use super::SettingsError;
use super::parse::{DAY, days, seconds, within, within_seconds};

/// From a number of wrong guesses on, seconds to wait: written `3:5`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    pub from_guess: u32,
    pub seconds: u32,
}

/// Section `guessing`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GuessingSettings {
    pub per_identifier: u32,
    pub at_once: u32,
    #[serde(deserialize_with = "waits")]
    pub waits: Vec<Wait>,
    #[serde(rename = "lock_seconds", deserialize_with = "seconds")]
    pub lock: Duration,
    /// 0 for any number.
    pub per_address_per_hour: u32,
    #[serde(rename = "device_days", deserialize_with = "days")]
    pub device_lifetime: Duration,
}

impl GuessingSettings {
    pub(super) fn validate(&self) -> Result<(), SettingsError> {
        within("guessing.per_identifier", self.per_identifier, 3..=10_000)?;
        within("guessing.at_once", self.at_once, 1..=1_000)?;
        within_seconds("guessing.lock_seconds", self.lock, 60..=2_592_000)?;
        within("guessing.per_address_per_hour", self.per_address_per_hour, 0..=1_000_000)?;
        within("guessing.device_days", self.device_lifetime.as_secs() / DAY, 1..=3_650)?;
        let rises = |pair: &[Wait]| matches!(pair, [one, next] if one.from_guess < next.from_guess);
        if self.waits.windows(2).all(rises) {
            return Ok(());
        }
        Err(SettingsError::invalid("guessing.waits", "must be by rising numbers of guesses"))
    }
}

fn waits<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Wait>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    let wait =
        |text: String| wait(&text).ok_or_else(|| D::Error::custom(format!("must be GUESSES:SECONDS, not {text:?}")));
    texts.into_iter().map(wait).collect()
}

fn wait(text: &str) -> Option<Wait> {
    let (from_guess, seconds) = text.split_once(':')?;
    Some(Wait { from_guess: from_guess.trim().parse().ok()?, seconds: seconds.trim().parse().ok()? })
}
