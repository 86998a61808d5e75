use std::fmt;

use tenantry_identity::{AuditEntry, AuditEntryId, OrganizationId};
use uuid::Uuid;

use super::canonical::canonical;
use crate::ports::AuditSeals;

/// Which chain it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Chain {
    /// Of the entries that belong to no organisation.
    Accounts,
    /// Of an organisation's log.
    Organization(OrganizationId),
    /// No entries: its position counts the other chains, so that a whole one can't go without trace.
    Census,
}

impl Chain {
    /// The identifier that the chain is stored under.
    #[must_use]
    pub fn as_uuid(self) -> Uuid {
        match self {
            Self::Accounts => Uuid::nil(),
            Self::Organization(id) => id.as_uuid(),
            Self::Census => Uuid::max(),
        }
    }

    /// The chain that is stored under an identifier.
    #[must_use]
    pub fn from_uuid(id: Uuid) -> Self {
        if id.is_nil() {
            Self::Accounts
        } else if id.is_max() {
            Self::Census
        } else {
            Self::Organization(OrganizationId::from_uuid(id))
        }
    }
}

impl fmt::Display for Chain {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.as_uuid(), formatter)
    }
}

/// A place in a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainEnd {
    /// How many links lead to it.
    pub position: u64,
    /// What the last of them says.
    pub hash: [u8; 32],
}

impl ChainEnd {
    /// Before the first link.
    pub const START: Self = Self { position: 0, hash: [0; 32] };

    /// The link that joins an entry to this place.
    #[must_use]
    pub fn link(&self, seals: &dyn AuditSeals, entry: &AuditEntry) -> AuditLink {
        let position = self.position + 1;
        let hash = seals.link(&self.hash, position, &canonical(entry));
        AuditLink { entry_id: entry.id, end: Self { position, hash } }
    }
}

/// Joins one entry to those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditLink {
    /// The entry.
    pub entry_id: AuditEntryId,
    /// Where the chain is with it.
    pub end: ChainEnd,
}

/// How far a chain goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainHead {
    /// Which chain.
    pub chain: Chain,
    /// The last link.
    pub end: ChainEnd,
    /// The last of the links that were removed with their entries, when those had been kept long enough.
    pub expired: ChainEnd,
}

impl ChainHead {
    /// A chain without links.
    #[must_use]
    pub fn empty(chain: Chain) -> Self {
        Self { chain, end: ChainEnd::START, expired: ChainEnd::START }
    }

    /// The same, sealed.
    #[must_use]
    pub fn sealed(self, seals: &dyn AuditSeals) -> SealedHead {
        SealedHead { seal: seals.seal(&self.to_bytes()), head: self }
    }

    fn to_bytes(self) -> Vec<u8> {
        let mut bytes = self.chain.as_uuid().as_bytes().to_vec();
        for end in [self.end, self.expired] {
            bytes.extend(end.position.to_be_bytes());
            bytes.extend(end.hash);
        }
        bytes
    }
}

/// A head, with what only who knows the service's secret can make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealedHead {
    /// The head.
    pub head: ChainHead,
    /// Its seal.
    pub seal: [u8; 32],
}

impl SealedHead {
    /// Whether the seal is the head's own.
    #[must_use]
    pub fn check(&self, seals: &dyn AuditSeals) -> SealCheck {
        seals.check(&self.head.to_bytes(), &self.seal)
    }
}

/// What a seal turns out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SealCheck {
    /// Made with the secret in use.
    Current,
    /// Made with the secret before it.
    Previous,
    /// Made with neither, or of something else.
    Wrong,
}
