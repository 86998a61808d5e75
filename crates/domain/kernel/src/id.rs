use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Makes identifiers, injected so that tests can predict them.
pub trait IdGenerator: Send + Sync {
    /// A new `UUIDv7` (RFC 9562, section 5.7): unique, and later ones sort after earlier ones.
    fn next_id(&self) -> Uuid;
}

/// Identifiers from the machine's clock and random source.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemIds;

impl IdGenerator for SystemIds {
    #[expect(clippy::disallowed_methods, reason = "the one place that makes random identifiers")]
    fn next_id(&self) -> Uuid {
        Uuid::now_v7()
    }
}

/// The version of a stored entity. It starts at 1 and grows by one with every change; HTTP shows it as the `ETag`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Revision(i64);

impl Revision {
    /// The revision of an entity that was just made.
    pub const FIRST: Self = Self(1);

    /// The revision as it was stored.
    #[must_use]
    pub fn from_stored(value: i64) -> Self {
        Self(value)
    }

    /// The number to store.
    #[must_use]
    pub fn get(self) -> i64 {
        self.0
    }

    /// The revision after one more change.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// Which revisions of an entity a change may be made to: what the caller has seen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Precondition {
    /// Whichever is stored.
    #[default]
    None,
    /// One of these; with none of them, no change is possible.
    OneOf(Vec<Revision>),
}

impl Precondition {
    /// Whether an entity with this revision may be changed.
    #[must_use]
    pub fn allows(&self, stored: Revision) -> bool {
        match self {
            Self::None => true,
            Self::OneOf(revisions) => revisions.contains(&stored),
        }
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// Declares an identifier type of its own around a UUID, so that a task's id can't be passed for a user's.
#[macro_export]
macro_rules! typed_id {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash,
            $crate::__serde::Serialize, $crate::__serde::Deserialize,
        )]
        #[serde(crate = "::tenantry_kernel::__serde", transparent)]
        pub struct $name($crate::__uuid::Uuid);

        impl $name {
            /// The identifier with this value.
            #[must_use]
            pub const fn from_uuid(value: $crate::__uuid::Uuid) -> Self {
                Self(value)
            }

            /// The value.
            #[must_use]
            pub const fn as_uuid(self) -> $crate::__uuid::Uuid {
                self.0
            }

            /// A new identifier.
            #[must_use]
            pub fn generate(ids: &dyn $crate::IdGenerator) -> Self {
                Self(ids.next_id())
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                ::std::fmt::Display::fmt(&self.0, formatter)
            }
        }

        impl From<$name> for $crate::__uuid::Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }
    };
}

typed_id! {
    /// Names a user account. Every domain refers to users, so the type lives here.
    UserId
}

typed_id! {
    /// Names an organisation, the tenant. Identity stores it with sessions before tenancy gives it meaning.
    OrganizationId
}
