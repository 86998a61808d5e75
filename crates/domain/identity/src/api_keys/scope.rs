use std::fmt;
use std::str::FromStr;

/// The kinds of things that an API key can be let to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Resource {
    /// The audit log.
    Audit,
    /// Licences.
    Licenses,
    /// Organisations, their members and invitations.
    Organizations,
    /// Projects, and what belongs to them.
    Projects,
    /// Readings.
    Readings,
    /// Synchronisation and uploads.
    Sync,
    /// Tasks, and their comments.
    Tasks,
    /// Accounts.
    Users,
}

/// How far: whoever may write may read too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// Look.
    Read,
    /// Make, change and delete.
    Write,
}

/// What an operation asks of an API key, and what a key has: `tasks:read`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ApiScope {
    /// To what.
    pub resource: Resource,
    /// How far.
    pub access: Access,
}

/// A text is not the name of a scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be RESOURCE:read or RESOURCE:write, or *")]
pub struct UnknownScope;

/// Why a list of scopes was refused. The message fits after the name of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ScopesError {
    /// A key that may do nothing.
    #[error("must not be empty")]
    Empty,
    /// One of them is none.
    #[error("must be a list of names such as tasks:read and tasks:write, or *")]
    Unknown,
}

/// Everything that an API key may do, as far as its owner may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKeyScopes {
    /// None for everything.
    only: Option<Vec<ApiScope>>,
}

impl Resource {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::Audit,
        Self::Licenses,
        Self::Organizations,
        Self::Projects,
        Self::Readings,
        Self::Sync,
        Self::Tasks,
        Self::Users,
    ];

    /// The name in a scope.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Audit => "audit",
            Self::Licenses => "licenses",
            Self::Organizations => "organizations",
            Self::Projects => "projects",
            Self::Readings => "readings",
            Self::Sync => "sync",
            Self::Tasks => "tasks",
            Self::Users => "users",
        }
    }
}

impl ApiScope {
    /// Whether a key with this scope may do what asks for `wanted`.
    fn covers(self, wanted: Self) -> bool {
        self.resource == wanted.resource && self.access >= wanted.access
    }
}

impl fmt::Display for ApiScope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let access = match self.access {
            Access::Read => "read",
            Access::Write => "write",
        };
        write!(formatter, "{}:{access}", self.resource.as_str())
    }
}

impl FromStr for ApiScope {
    type Err = UnknownScope;

    fn from_str(name: &str) -> Result<Self, UnknownScope> {
        let (resource, access) = name.split_once(':').ok_or(UnknownScope)?;
        let resource = Resource::ALL.into_iter().find(|known| known.as_str() == resource).ok_or(UnknownScope)?;
        match access {
            "read" => Ok(Self { resource, access: Access::Read }),
            "write" => Ok(Self { resource, access: Access::Write }),
            _ => Err(UnknownScope),
        }
    }
}

impl ApiKeyScopes {
    const EVERYTHING: &str = "*";

    /// The scopes of these names, in order and each once; `*` is all there are and will be.
    ///
    /// # Errors
    /// [`ScopesError`].
    pub fn parse<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, ScopesError> {
        let mut only = Vec::new();
        let mut is_everything = false;
        for name in names {
            match name {
                Self::EVERYTHING => is_everything = true,
                name => only.push(name.parse().or(Err(ScopesError::Unknown))?),
            }
        }
        only.sort();
        only.dedup();
        match (is_everything, only.is_empty()) {
            (true, _) => Ok(Self { only: None }),
            (false, true) => Err(ScopesError::Empty),
            (false, false) => Ok(Self { only: Some(only) }),
        }
    }

    /// Whether a key with these scopes may do what asks for `wanted`.
    #[must_use]
    pub fn allow(&self, wanted: ApiScope) -> bool {
        self.only.as_ref().is_none_or(|only| only.iter().any(|scope| scope.covers(wanted)))
    }

    /// Their names.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        match &self.only {
            None => vec![Self::EVERYTHING.to_owned()],
            Some(only) => only.iter().map(ToString::to_string).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scopes(names: &[&str]) -> Result<ApiKeyScopes, ScopesError> {
        ApiKeyScopes::parse(names.iter().copied())
    }

    fn allows(names: &[&str], wanted: &str) -> bool {
        scopes(names).unwrap().allow(wanted.parse().unwrap())
    }

    #[test]
    fn c13_write_includes_read_of_the_same_thing_and_of_nothing_else() {
        assert!(allows(&["tasks:read"], "tasks:read") && !allows(&["tasks:read"], "tasks:write"));
        assert!(allows(&["tasks:write"], "tasks:read") && allows(&["tasks:write"], "tasks:write"));
        assert!(!allows(&["tasks:write", "users:read"], "projects:read"));
        for resource in Resource::ALL {
            let wanted = format!("{}:write", resource.as_str());
            assert!(allows(&["*"], &wanted) && allows(&["users:read", "*"], &wanted) && allows(&[&wanted], &wanted));
        }
    }

    #[test]
    fn c13_scopes_have_known_names_and_are_kept_in_order() {
        assert_eq!(
            scopes(&["users:read", "tasks:write", "users:read"]).unwrap().names(),
            ["tasks:write", "users:read"]
        );
        assert_eq!(scopes(&["tasks:write", "*"]).unwrap().names(), ["*"]);
        assert_eq!(scopes(&[]), Err(ScopesError::Empty));
        for unknown in ["", "tasks", "tasks:", "tasks:delete", "Tasks:read", "tasks:read ", "**", "keys:read", "*:read"]
        {
            assert_eq!(scopes(&["tasks:read", unknown]), Err(ScopesError::Unknown), "{unknown:?}");
        }
    }
}
