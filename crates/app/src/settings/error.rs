use std::io;
use std::path::PathBuf;

/// Why the settings can't be used. Each reads as one sentence for the operator and holds no secret.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    #[error("TENANTRY_ENV must be development, production or test, not {0:?}")]
    UnknownProfile(String),
    #[error("unknown setting {key} in {origin}; {known}")]
    UnknownSetting { key: String, origin: String, known: String },
    #[error("{setting} must be {expected}, but {origin} says otherwise")]
    WrongType { setting: String, expected: &'static str, origin: String },
    #[error("{setting} {problem}")]
    Invalid { setting: &'static str, problem: String },
    #[error("{name} and {name}_FILE are both set; keep one of them")]
    SetTwice { name: String },
    #[error("the environment variable {0} is not valid Unicode")]
    NotUnicode(String),
    #[error("{path} is no valid settings file: {problem}", path = path.display())]
    File { path: PathBuf, problem: String },
    #[error("can't {action} {path}: {source}", path = path.display())]
    Io { action: &'static str, path: PathBuf, source: io::Error },
    #[error("{path} may be read by others; run `chmod 600` on it", path = .0.display())]
    ExposedSecret(PathBuf),
    #[error("{0}")]
    Mismatch(String),
}

impl SettingsError {
    pub(super) fn invalid(setting: &'static str, problem: impl Into<String>) -> Self {
        Self::Invalid { setting, problem: problem.into() }
    }
}
