use std::sync::Arc;

use tenantry_identity::{Actor, LinkDigest, LinkToken, Postbox};
use tenantry_kernel::Clock;

use crate::{FoundInvitation, TenancyError, TenantContext, ports::InvitationLookup};

/// Finds invitations by the tokens that were mailed.
pub struct InvitationDoor {
    lookup: Arc<dyn InvitationLookup>,
    postbox: Arc<Postbox>,
    clock: Arc<dyn Clock>,
}

/// An invitation that somebody can accept: they have its token, and it is neither used nor expired.
///
/// Only the [`InvitationDoor`] makes one.
#[derive(Debug)]
pub struct OpenInvitation {
    found: FoundInvitation,
}

impl InvitationDoor {
    /// A door over these ports.
    #[must_use]
    pub fn new(lookup: Arc<dyn InvitationLookup>, postbox: Arc<Postbox>, clock: Arc<dyn Clock>) -> Self {
        Self { lookup, postbox, clock }
    }

    /// The invitation of this token.
    ///
    /// # Errors
    /// [`TenancyError::InvitationUsed`]; [`TenancyError::NotFound`] for a token that is wrong, was replaced or has expired,
    /// and when the organisation is not open any more.
    pub async fn open(&self, token: &LinkToken) -> Result<OpenInvitation, TenancyError> {
        let digest = self.postbox.digest(token);
        let found = self.lookup.find(&digest).await?.filter(|found| found.is_open).ok_or(TenancyError::NotFound)?;
        found.invitation.check(&digest, self.clock.now())?;
        Ok(OpenInvitation { found })
    }
}

impl OpenInvitation {
    /// What was found.
    #[must_use]
    pub fn found(&self) -> &FoundInvitation {
        &self.found
    }

    /// The hash of the token that somebody has.
    #[must_use]
    pub fn digest(&self) -> &LinkDigest {
        &self.found.invitation.digest
    }

    /// The actor within the organisation, about to join it in the role that they were offered.
    #[must_use]
    pub fn context(&self, actor: Actor) -> TenantContext {
        TenantContext::join(actor, &self.found.invitation)
    }
}
