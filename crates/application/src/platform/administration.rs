use std::sync::Arc;

use tenantry_identity::{
    Accounts, AuditAction, AuditEntry, AuditFilter, AuditTarget, IdentityError, PlatformContext, Principal, User,
};
use tenantry_kernel::{
    Clock, IdGenerator, OrganizationId, Page, PageRequest, Precondition, StorageError, Store, UserId,
};
use tenantry_tenancy::{Membership, Organization};

use super::{DirectoryFilter, ListedOrganization, ListedUser, PlatformStats};
use crate::ports::PlatformTransaction;

/// Something of the platform's administration failed.
#[derive(Debug, thiserror::Error)]
pub enum PlatformError {
    /// The account does not administer the platform.
    #[error("the account does not administer the platform")]
    Forbidden,
    /// There is no such account or organisation.
    #[error("not found")]
    NotFound,
    /// Nobody locks themself out.
    #[error("nobody deactivates the account that they use, or the only organization that is open to it")]
    SelfDeactivation,
    /// It is not at the revision that the caller saw.
    #[error("it was changed meanwhile")]
    RevisionMismatch,
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// What administrators of the platform see of all accounts and organisations, and decide about them.
pub struct PlatformAdministration {
    store: Arc<dyn Store<PlatformContext, dyn PlatformTransaction>>,
    accounts: Arc<Accounts>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdGenerator>,
}

impl PlatformAdministration {
    const ACTIVATE_USER: AuditAction = AuditAction::of("user.activate");
    const DEACTIVATE_USER: AuditAction = AuditAction::of("user.deactivate");
    const ACTIVATE_ORGANIZATION: AuditAction = AuditAction::of("organization.activate");
    const DEACTIVATE_ORGANIZATION: AuditAction = AuditAction::of("organization.deactivate");

    /// The use cases over these ports.
    #[must_use]
    pub fn new(
        store: Arc<dyn Store<PlatformContext, dyn PlatformTransaction>>,
        accounts: Arc<Accounts>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdGenerator>,
    ) -> Self {
        Self { store, accounts, clock, ids }
    }

    /// Lets somebody in whose account administers the platform at this moment, whatever their token says.
    ///
    /// # Errors
    /// [`PlatformError::Forbidden`] for everybody else.
    pub async fn admit(&self, principal: &Principal) -> Result<PlatformContext, PlatformError> {
        let account = self.accounts.find_own(&principal.actor()).await.map_err(|error| match error {
            IdentityError::Storage(error) => PlatformError::Storage(error),
            _ => PlatformError::Forbidden,
        })?;
        PlatformContext::administer(principal, &account).ok_or(PlatformError::Forbidden)
    }

    /// How much there is of everything.
    ///
    /// # Errors
    /// [`PlatformError::Storage`].
    pub async fn stats(&self, context: &PlatformContext) -> Result<PlatformStats, PlatformError> {
        Ok(self.store.read(context).await?.directory().stats(self.clock.now()).await?)
    }

    /// The accounts that `filter` admits, the newest first.
    ///
    /// # Errors
    /// [`PlatformError::Storage`].
    pub async fn list_users(
        &self,
        context: &PlatformContext,
        filter: &DirectoryFilter,
        page: &PageRequest,
    ) -> Result<Page<ListedUser>, PlatformError> {
        Ok(self.store.read(context).await?.directory().list_users(filter, page).await?)
    }

    /// The organisations that `filter` admits, the newest first.
    ///
    /// # Errors
    /// [`PlatformError::Storage`].
    pub async fn list_organizations(
        &self,
        context: &PlatformContext,
        filter: &DirectoryFilter,
        page: &PageRequest,
    ) -> Result<Page<ListedOrganization>, PlatformError> {
        Ok(self.store.read(context).await?.directory().list_organizations(filter, page).await?)
    }

    /// The entries of all audit logs that `filter` admits, the newest first.
    ///
    /// # Errors
    /// [`PlatformError::Storage`].
    pub async fn list_audit_log(
        &self,
        context: &PlatformContext,
        filter: &AuditFilter,
        page: &PageRequest,
    ) -> Result<Page<AuditEntry>, PlatformError> {
        Ok(self.store.read(context).await?.audit().list(filter, page).await?)
    }

    /// Decides whether an account may sign in. When it may not, its sessions and mailed links end, and its access tokens
    /// and API keys are dead at once; the keys live again when it may.
    ///
    /// # Errors
    /// [`PlatformError::NotFound`]; [`PlatformError::SelfDeactivation`]; [`PlatformError::RevisionMismatch`] when
    /// `precondition` does not allow the stored revision; [`PlatformError::Forbidden`] for who is no administrator any
    /// more.
    pub async fn set_user_active(
        &self,
        context: &PlatformContext,
        id: UserId,
        is_active: bool,
        precondition: &Precondition,
    ) -> Result<User, PlatformError> {
        if !is_active && context.actor().user_id() == Some(id) {
            return Err(PlatformError::SelfDeactivation);
        }
        let now = self.clock.now();
        let mut transaction = self.store.begin(context).await?;
        let stored = find_beside_administrator(transaction.as_mut(), context, id).await?;
        check(precondition.allows(stored.revision))?;
        if stored.is_active == is_active {
            return Ok(stored);
        }
        let seen = stored.revision;
        let user = stored.with_activity(is_active, now);
        check(transaction.directory().update_user(&user, seen).await?)?;
        let mut revocations = Vec::new();
        if !is_active {
            transaction.directory().end_access(id, now).await?;
            revocations.push(self.accounts.user_revocation(&user, now));
            transaction.revocations().insert(&revocations).await?;
        }
        let action = if is_active { Self::ACTIVATE_USER } else { Self::DEACTIVATE_USER };
        let entry = AuditEntry::success(&*self.ids, now, context.actor(), action);
        transaction.audit().append(&entry.about(AuditTarget::one("user", id))).await?;
        transaction.commit().await?;
        self.accounts.apply(&revocations);
        Ok(user)
    }

    /// Decides whether the members of an organisation may work in it. When they may not, every access token and API key
    /// for it is dead at once; the keys live again when they may.
    ///
    /// # Errors
    /// [`PlatformError::NotFound`]; [`PlatformError::SelfDeactivation`] for the only organisation that is open to the
    /// administrator; [`PlatformError::RevisionMismatch`] when `precondition` does not allow the stored revision;
    /// [`PlatformError::Forbidden`] for who is no administrator any more.
    pub async fn set_organization_active(
        &self,
        context: &PlatformContext,
        id: OrganizationId,
        is_active: bool,
        precondition: &Precondition,
    ) -> Result<Organization, PlatformError> {
        let now = self.clock.now();
        let mut transaction = self.store.begin(context).await?;
        let administrator = find_administrator(transaction.as_mut(), context).await?;
        let stored = transaction.directory().find_organization(id).await?.ok_or(PlatformError::NotFound)?;
        check(precondition.allows(stored.revision))?;
        if stored.is_active == is_active {
            return Ok(stored);
        }
        if !is_active && !transaction.directory().is_at_home_elsewhere(administrator.id, id).await? {
            return Err(PlatformError::SelfDeactivation);
        }
        let seen = stored.revision;
        let organization = stored.with_activity(is_active, now);
        check(transaction.directory().update_organization(&organization, seen).await?)?;
        let mut revocations = Vec::new();
        if !is_active {
            let ended = transaction.directory().renew_epochs(id, now).await?;
            let revoked = |ended: &Membership| self.accounts.membership_revocation(id, ended.user_id, ended.epoch, now);
            revocations.extend(ended.iter().map(revoked));
            transaction.revocations().insert(&revocations).await?;
        }
        let action = if is_active { Self::ACTIVATE_ORGANIZATION } else { Self::DEACTIVATE_ORGANIZATION };
        let entry = AuditEntry::success(&*self.ids, now, context.actor(), action).within(id);
        transaction.audit().append(&entry.about(AuditTarget::one("organization", id))).await?;
        transaction.commit().await?;
        self.accounts.apply(&revocations);
        Ok(organization)
    }
}

/// The account that acts, which stays locked: it may have been deactivated since it was admitted.
async fn find_administrator(
    transaction: &mut dyn PlatformTransaction,
    context: &PlatformContext,
) -> Result<User, PlatformError> {
    let id = context.actor().user_id().ok_or(PlatformError::Forbidden)?;
    let account = transaction.directory().find_user(id).await?;
    account.filter(|user| user.is_platform_admin && user.is_active).ok_or(PlatformError::Forbidden)
}

/// The account that something is decided about. It and the one that acts are locked in the order of their ids, so that
/// of two administrators who deactivate each other the second is refused, and neither waits for ever.
async fn find_beside_administrator(
    transaction: &mut dyn PlatformTransaction,
    context: &PlatformContext,
    id: UserId,
) -> Result<User, PlatformError> {
    let comes_first = context.actor().user_id().is_some_and(|own| own < id);
    if comes_first {
        find_administrator(transaction, context).await?;
    }
    let user = transaction.directory().find_user(id).await?;
    if !comes_first {
        find_administrator(transaction, context).await?;
    }
    user.ok_or(PlatformError::NotFound)
}

/// That nobody else was faster.
fn check(is_as_seen: bool) -> Result<(), PlatformError> {
    if is_as_seen { Ok(()) } else { Err(PlatformError::RevisionMismatch) }
}
