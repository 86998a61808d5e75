use std::fmt;

use chrono::{DateTime, Duration, Utc};

/// Names a signing key: the thumbprint of its public part (RFC 7638), which tokens carry as `kid`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KeyId(String);

impl KeyId {
    /// The key of this name.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// What a key is good for. Every key that there is can be verified with, and is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SigningKeyState {
    /// Published, so that everybody knows it before the first token is signed with it. There is one at most.
    Next,
    /// Signs. There is one at most.
    Active,
    /// Signed once. Tokens of it may still live.
    Retired,
}

impl SigningKeyState {
    const ALL: [Self; 3] = [Self::Next, Self::Active, Self::Retired];

    /// The name that is stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Active => "active",
            Self::Retired => "retired",
        }
    }

    /// The state of this name.
    #[must_use]
    pub fn from_stored(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

/// A pair of keys that access tokens are signed and verified with. Both parts are encrypted, so that a row of somebody
/// who can write to the database, but has not the secret, is no key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningKey {
    /// Names it.
    pub id: KeyId,
    /// What it is good for.
    pub state: SigningKeyState,
    /// Since when.
    pub since: DateTime<Utc>,
    /// What signs; gone once the key is retired.
    pub sealed_private: Option<Vec<u8>>,
    /// What verifies.
    pub sealed_public: Vec<u8>,
    /// When it was made, and published.
    pub created_at: DateTime<Utc>,
}

/// A pair of keys that was just made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSigningKey {
    /// Names it.
    pub id: KeyId,
    /// What signs, encrypted.
    pub sealed_private: Vec<u8>,
    /// What verifies, encrypted.
    pub sealed_public: Vec<u8>,
}

impl NewSigningKey {
    /// The key in its first state.
    #[must_use]
    pub fn starting(self, state: SigningKeyState, now: DateTime<Utc>) -> SigningKey {
        SigningKey {
            id: self.id,
            state,
            since: now,
            sealed_private: Some(self.sealed_private),
            sealed_public: self.sealed_public,
            created_at: now,
        }
    }
}

/// A public key as a JWK set tells it (RFC 8037, section 2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedKey {
    /// Names it (`kid`).
    pub id: KeyId,
    /// The Ed25519 public key in base64url (`x`).
    pub x: String,
}

/// When keys change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SigningKeyRules {
    /// How long a key signs.
    pub rotate_after: Duration,
    /// How long a retired key is kept: no token of it is left then.
    pub keep_for: Duration,
}

impl SigningKeyRules {
    /// How long others may keep the set of public keys before they ask again.
    pub const SET_MAX_AGE: Duration = Duration::minutes(5);
    /// How long a key is published before it signs: until nobody has a set without it. A minute is for clocks that
    /// differ, and for a set that was fetched just before.
    pub const PUBLISHED_FOR: Duration = Duration::minutes(6);
    /// For tokens of a process that learns late that its key was retired.
    const LATENESS: Duration = Duration::minutes(10);

    /// Keys that sign for `rotate_after`, where access tokens live for `token_lifetime`.
    #[must_use]
    pub fn new(rotate_after: Duration, token_lifetime: Duration) -> Self {
        Self { rotate_after, keep_for: token_lifetime + Self::LATENESS }
    }
}
