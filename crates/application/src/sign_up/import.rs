use tenantry_identity::{Actor, AdoptionError, AuditAction, AuditEntry, AuditTarget, ImportedAccount};
use tenantry_tenancy::{NewOrganization, TenantContext};

use super::{Newcomer, NewcomerOrganization, SignUp, organization_name};
use crate::SignUpError;

/// Whether an import keeps what it makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportMode {
    /// It does.
    Keep,
    /// It tells what would be made, and keeps nothing.
    Try,
}

/// Why an account from elsewhere was not made.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// It can't be taken over.
    #[error(transparent)]
    Adoption(#[from] AdoptionError),
    /// Somebody has its name, or the store failed.
    #[error(transparent)]
    SignUp(#[from] SignUpError),
}

impl SignUp {
    const IMPORT: AuditAction = AuditAction::of("user.import");

    /// Makes an account from elsewhere, with a password that was hashed there and an organisation of its own.
    ///
    /// # Errors
    /// [`ImportError`]; nothing is stored then.
    pub async fn import(&self, account: ImportedAccount, mode: ImportMode) -> Result<(), ImportError> {
        let registered = self.registration.adopt(account)?;
        let name = organization_name(NewcomerOrganization::Personal, &registered.user);
        let now = registered.user.updated_at;
        let foundation = TenantContext::found(registered.actor, NewOrganization::named(name), now, &*self.ids);
        let foundation = foundation.map_err(SignUpError::from)?;
        let entry = AuditEntry::success(&*self.ids, now, &Actor::system(), Self::IMPORT)
            .within(foundation.organization.id)
            .about(AuditTarget::one("user", registered.user.id));
        let (user, password_hash) = (registered.user, registered.password_hash);
        let newcomer = Newcomer { user, password_hash, foundation, confirmation: None };
        let (transaction, _) = self.stage(newcomer, None, &entry).await?;
        if mode == ImportMode::Keep {
            transaction.commit().await.map_err(SignUpError::from)?;
        }
        Ok(())
    }
}
