//! Why a command did not do its work.

use std::error::Error;
use std::fmt::Write as _;
use std::process::ExitCode;

use crate::settings::SettingsError;

/// What clap ends with, too.
const WRONG_USAGE: u8 = 2;

/// `EX_CONFIG` of sysexits(3).
const BAD_CONFIGURATION: u8 = 78;

/// Why a command did not do its work.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The operator has to change the configuration, of the process or of the database's roles. Exit code 78.
    #[error(transparent)]
    Configuration(Box<dyn Error + Send + Sync>),
    /// The command line is wrong in a way that only the command itself can tell. Exit code 2.
    #[error(transparent)]
    Usage(Box<dyn Error + Send + Sync>),
    /// Anything else. Exit code 1.
    #[error(transparent)]
    Other(Box<dyn Error + Send + Sync>),
}

impl Failure {
    /// The command failed because of `source`.
    pub fn because(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Other(source.into())
    }

    /// The command refuses to run under this configuration.
    pub fn configuration(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Configuration(source.into())
    }

    /// The command can't be meant so.
    pub fn usage(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Usage(source.into())
    }

    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Configuration(_) => ExitCode::from(BAD_CONFIGURATION),
            Self::Usage(_) => ExitCode::from(WRONG_USAGE),
            Self::Other(_) => ExitCode::FAILURE,
        }
    }

    /// The message with all of its causes. A cause that its parent has quoted already is left out.
    #[must_use]
    pub fn report(&self) -> String {
        let mut text = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            let message = error.to_string();
            if !text.ends_with(&message) && write!(text, ": {message}").is_err() {
                break;
            }
            cause = error.source();
        }
        text
    }
}

impl From<SettingsError> for Failure {
    fn from(error: SettingsError) -> Self {
        Self::configuration(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the outer part")]
    struct Outer(#[source] std::io::Error);

    #[derive(Debug, thiserror::Error)]
    #[error("quoting: {0}")]
    struct Quoting(#[source] std::io::Error);

    #[test]
    fn a_report_tells_every_cause_once() {
        let cause = || std::io::Error::other("the inner part");
        assert_eq!(Failure::because(Outer(cause())).report(), "the outer part: the inner part");
        assert_eq!(Failure::because(Quoting(cause())).report(), "quoting: the inner part");
    }
}
