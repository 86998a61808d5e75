use crate::Actor;

/// That the platform itself acts, across all organisations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlatformContext {
    actor: Actor,
}

impl PlatformContext {
    /// A job, or a command that no person asked for over the network.
    #[must_use]
    pub fn system() -> Self {
        Self { actor: Actor::system() }
    }

    /// Who acts.
    #[must_use]
    pub fn actor(&self) -> &Actor {
        &self.actor
    }
}
