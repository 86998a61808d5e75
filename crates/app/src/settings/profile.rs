use std::fmt;

use super::{SettingsError, Variables};

/// What the process runs for, named by `TENANTRY_ENV`. Production refuses what is unsafe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    Development,
    Production,
    Test,
}

impl Profile {
    pub(super) fn from_variables(variables: &Variables) -> Result<Self, SettingsError> {
        match variables.get("TENANTRY_ENV")?.as_deref() {
            None | Some("development") => Ok(Self::Development),
            Some("production") => Ok(Self::Production),
            Some("test") => Ok(Self::Test),
            Some(other) => Err(SettingsError::UnknownProfile(other.to_owned())),
        }
    }

    #[must_use]
    pub fn is_production(self) -> bool {
        self == Self::Production
    }

    /// As in `TENANTRY_ENV` and in the name of the profile's file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Production => "production",
            Self::Test => "test",
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
