use std::str::FromStr;

use chrono::{DateTime, Utc};
use croner::Cron;
use tenantry_kernel::{TextError, parse_text, text_value};

text_value! {
    /// The name of a profile in the server's own AWS configuration, 1 to 128 characters.
    ProfileName, 1..=128
}

/// A folder on the server: an absolute path of at most 4,096 bytes, as it was typed. Whether it is there, and may be
/// read, is another question.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LocalDirectory(String);

/// Why a path was refused. The message fits after the name of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LocalDirectoryError {
    /// Too long, or a character that has no place in a path.
    #[error(transparent)]
    Text(#[from] TextError),
    /// It does not begin at the root.
    #[error("must be an absolute path")]
    Relative,
}

impl LocalDirectory {
    /// The most characters.
    pub const MAX: usize = 4_096;

    /// Parses `raw`, trimmed.
    ///
    /// # Errors
    /// [`LocalDirectoryError`].
    pub fn parse(raw: &str) -> Result<Self, LocalDirectoryError> {
        let path = parse_text(raw, 1, Self::MAX)?;
        if path.starts_with('/') { Ok(Self(path)) } else { Err(LocalDirectoryError::Relative) }
    }

    /// The path.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// How many files or parts a run has under way at most: 1 to 256, 16 by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MaxWorkers(u16);

/// A number is none of workers. The message fits after the name of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be between 1 and 256")]
pub struct MaxWorkersError;

impl MaxWorkers {
    /// Takes a number between 1 and 256.
    ///
    /// # Errors
    /// [`MaxWorkersError`].
    pub fn parse(value: i64) -> Result<Self, MaxWorkersError> {
        match u16::try_from(value) {
            Ok(value @ 1..=256) => Ok(Self(value)),
            _ => Err(MaxWorkersError),
        }
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> u16 {
        self.0
    }
}

impl Default for MaxWorkers {
    fn default() -> Self {
        Self(16)
    }
}

/// How often a file is tried again: 0 to 20 times, 3 by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retries(u16);

/// A number is none of retries. The message fits after the name of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be between 0 and 20")]
pub struct RetriesError;

impl Retries {
    /// Takes a number between 0 and 20.
    ///
    /// # Errors
    /// [`RetriesError`].
    pub fn parse(value: i64) -> Result<Self, RetriesError> {
        match u16::try_from(value) {
            Ok(value @ 0..=20) => Ok(Self(value)),
            _ => Err(RetriesError),
        }
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> u16 {
        self.0
    }
}

impl Default for Retries {
    fn default() -> Self {
        Self(3)
    }
}

/// Patterns of names, in the syntax of gitignore(5): at most 100 of 1 to 255 characters.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Patterns(Vec<String>);

/// Why a list of patterns was refused. The message fits after the name of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PatternsError {
    /// More than [`Patterns::MAX_COUNT`].
    #[error("must have at most 100 patterns")]
    TooMany,
    /// One is too long or empty, or has a character that has no place in a name.
    #[error("must be patterns of 1 to 255 characters without line breaks")]
    Pattern,
}

/// Patterns that those who match them can't read. The message fits after the name of a field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PatternSyntaxError(pub String);

impl Patterns {
    /// The most patterns.
    pub const MAX_COUNT: usize = 100;
    /// The most characters of one.
    pub const MAX_LENGTH: usize = 255;

    /// Takes a list of patterns.
    ///
    /// # Errors
    /// [`PatternsError`].
    pub fn parse(patterns: Vec<String>) -> Result<Self, PatternsError> {
        if patterns.len() > Self::MAX_COUNT {
            return Err(PatternsError::TooMany);
        }
        let is_pattern = |pattern: &String| {
            (1..=Self::MAX_LENGTH).contains(&pattern.chars().count()) && !pattern.contains(char::is_control)
        };
        if patterns.iter().all(is_pattern) { Ok(Self(patterns)) } else { Err(PatternsError::Pattern) }
    }

    /// The patterns as they were stored.
    #[must_use]
    pub fn from_stored(patterns: Vec<String>) -> Self {
        Self(patterns)
    }

    /// The patterns.
    #[must_use]
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }
}

/// By what a file counts as unchanged since it was stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CompareBy {
    /// Its size and the time of its last modification.
    #[default]
    SizeAndTime,
    /// Its size and the checksum of its bytes: reads every file.
    Checksum,
}

/// A text is not the name of a way to compare. The message fits after the name of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be size_and_time or checksum")]
pub struct CompareByError;

impl CompareBy {
    /// The name, as the API and the databases spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SizeAndTime => "size_and_time",
            Self::Checksum => "checksum",
        }
    }
}

impl FromStr for CompareBy {
    type Err = CompareByError;

    fn from_str(name: &str) -> Result<Self, CompareByError> {
        [Self::SizeAndTime, Self::Checksum].into_iter().find(|way| way.as_str() == name).ok_or(CompareByError)
    }
}

/// When a session runs by itself: five fields as in crontab(5), in UTC.
#[derive(Debug, Clone)]
pub struct Schedule {
    text: String,
    cron: Cron,
}

/// A text is not a schedule. The message fits after the name of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a cron expression of five fields (minute, hour, day of month, month, day of week) that comes true")]
pub struct ScheduleError;

impl Schedule {
    /// Parses `raw`, trimmed.
    ///
    /// # Errors
    /// [`ScheduleError`]; also for one that never comes, such as the 30th of February.
    pub fn parse(raw: &str) -> Result<Self, ScheduleError> {
        let text = raw.split_whitespace().collect::<Vec<_>>().join(" ");
        if text.len() > 255 || text.split(' ').count() != 5 {
            return Err(ScheduleError);
        }
        let cron = text.parse::<Cron>().or(Err(ScheduleError))?;
        let schedule = Self { text, cron };
        schedule.next_after(DateTime::UNIX_EPOCH).map(|_| ()).ok_or(ScheduleError)?;
        Ok(schedule)
    }

    /// The first time after `time`.
    #[must_use]
    pub fn next_after(&self, time: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.cron.find_next_occurrence(&time, false).ok()
    }

    /// The expression.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl PartialEq for Schedule {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Schedule {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_begins_at_the_root() {
        assert_eq!(LocalDirectory::parse(" /data/in ").unwrap().as_str(), "/data/in");
        assert_eq!(LocalDirectory::parse("data"), Err(LocalDirectoryError::Relative));
        assert!(matches!(LocalDirectory::parse("/a\0b"), Err(LocalDirectoryError::Text(_))));
    }

    #[test]
    fn numbers_have_their_range() {
        assert_eq!(MaxWorkers::parse(256).map(MaxWorkers::get), Ok(256));
        assert_eq!(Retries::parse(0).map(Retries::get), Ok(0));
        for value in [0, 257, -1] {
            assert_eq!(MaxWorkers::parse(value), Err(MaxWorkersError), "{value}");
        }
        for value in [21, -1] {
            assert_eq!(Retries::parse(value), Err(RetriesError), "{value}");
        }
    }

    #[test]
    fn patterns_are_few_and_short() {
        assert!(Patterns::parse(vec!["*.tmp".to_owned(), "!keep.tmp".to_owned()]).is_ok());
        assert_eq!(Patterns::parse(vec![String::new()]), Err(PatternsError::Pattern));
        assert_eq!(Patterns::parse(vec!["a\nb".to_owned()]), Err(PatternsError::Pattern));
        assert_eq!(Patterns::parse(vec!["a".to_owned(); 101]), Err(PatternsError::TooMany));
    }

    #[test]
    fn a_schedule_comes_true() {
        let nightly = Schedule::parse(" 30  2 * * * ").unwrap();
        assert_eq!(nightly.as_str(), "30 2 * * *");
        let next = nightly.next_after(DateTime::UNIX_EPOCH).unwrap();
        assert_eq!(next.to_rfc3339(), "1970-01-01T02:30:00+00:00");
        assert_eq!(nightly.next_after(next).unwrap().to_rfc3339(), "1970-01-02T02:30:00+00:00");
        for text in ["", "* * * *", "* * * * * *", "61 * * * *", "@daily", "0 0 30 2 *"] {
            assert_eq!(Schedule::parse(text), Err(ScheduleError), "{text}");
        }
    }
}
