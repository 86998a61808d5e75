//! How single settings are read and bounded.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::time::Duration;

use secrecy::SecretString;
use serde::{Deserialize, Deserializer};

use super::SettingsError;

pub(super) fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    u32::deserialize(deserializer).map(|seconds| Duration::from_secs(seconds.into()))
}

/// A day, in seconds.
pub(super) const DAY: u64 = 86_400;

pub(super) fn days<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    u32::deserialize(deserializer).map(|days| Duration::from_secs(u64::from(days) * DAY))
}

/// An hour, in seconds.
pub(super) const HOUR: u64 = 3_600;

pub(super) fn hours<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    u32::deserialize(deserializer).map(|hours| Duration::from_secs(u64::from(hours) * HOUR))
}

/// An empty text stands for none.
pub(super) fn optional_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    String::deserialize(deserializer).map(|text| Some(text).filter(|text| !text.is_empty()))
}

/// An empty text stands for none.
pub(super) fn optional_secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SecretString>, D::Error> {
    optional_text(deserializer).map(|text| text.map(SecretString::from))
}

/// An empty text stands for none.
pub(super) fn optional_parsed<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: std::str::FromStr<Err: Display>,
{
    let text = optional_text(deserializer)?;
    text.map(|text| text.parse().map_err(serde::de::Error::custom)).transpose()
}

pub(super) fn within<T>(setting: &'static str, value: T, range: RangeInclusive<T>) -> Result<(), SettingsError>
where
    T: PartialOrd + Display + Copy,
{
    if range.contains(&value) {
        return Ok(());
    }
    let problem = format!("must be from {} to {}, not {value}", range.start(), range.end());
    Err(SettingsError::invalid(setting, problem))
}

pub(super) fn within_seconds(
    setting: &'static str,
    value: Duration,
    range: RangeInclusive<u64>,
) -> Result<(), SettingsError> {
    within(setting, value.as_secs(), range)
}

pub(super) fn not_empty(setting: &'static str, text: &str) -> Result<(), SettingsError> {
    if text.trim().is_empty() { Err(SettingsError::invalid(setting, "must not be empty")) } else { Ok(()) }
}
