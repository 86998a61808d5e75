use std::sync::Arc;

use chrono::{DateTime, Utc};
use tenantry_identity::{
    Accounts, Actor, AuditAction, AuditEntry, AuditTarget, IdentityError, PasswordAttempt, Principal, RevocationList,
    User,
};
use tenantry_kernel::{Clock, IdGenerator, OrganizationId, Precondition, Store};
use tenantry_tenancy::{OwnMembership, Role, ports::OwnMembershipRepository};

use crate::{
    SignInError,
    ports::{ProfileTransaction, SignInTransaction},
};

/// An account with the organisations that are open to it.
#[derive(Debug)]
pub struct Me {
    /// The account.
    pub user: User,
    /// Its open memberships, the oldest first.
    pub memberships: Vec<OwnMembership>,
}

/// One's own account, where it concerns organisations too.
pub struct Profile {
    accounts: Arc<Accounts>,
    profiles: Arc<dyn Store<Actor, dyn ProfileTransaction>>,
    store: Arc<dyn Store<Actor, dyn SignInTransaction>>,
    revocations: Arc<RevocationList>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdGenerator>,
}

impl Profile {
    /// The use cases over these ports.
    #[must_use]
    pub fn new(
        accounts: Arc<Accounts>,
        profiles: Arc<dyn Store<Actor, dyn ProfileTransaction>>,
        store: Arc<dyn Store<Actor, dyn SignInTransaction>>,
        revocations: Arc<RevocationList>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdGenerator>,
    ) -> Self {
        Self { accounts, profiles, store, revocations, clock, ids }
    }

    /// The account and its open organisations.
    ///
    /// # Errors
    /// [`IdentityError::NotFound`] once the account is deleted.
    pub async fn me(&self, actor: &Actor) -> Result<Me, SignInError> {
        let id = actor.user_id().ok_or(IdentityError::NotFound)?;
        let profile = self.profiles.read(actor).await?.profiles().find(id).await?;
        let (user, mut memberships) = profile.ok_or(IdentityError::NotFound)?;
        memberships.retain(|own| own.is_open() && actor.may_enter(own.organization.id));
        Ok(Me { user, memberships })
    }

    /// Deletes the account softly: it can't sign in any more, and is erased later. An organisation of one goes with
    /// its member.
    ///
    /// # Errors
    /// [`IdentityError::WrongPassword`]; [`IdentityError::RevisionMismatch`] when `precondition` does not allow
    /// the stored revision; [`SignInError::LastOwner`] while others depend on the account.
    pub async fn delete(
        &self,
        principal: &Principal,
        attempt: &PasswordAttempt,
        precondition: &Precondition,
    ) -> Result<(), SignInError> {
        let actor = principal.actor();
        let confirmed = self.accounts.confirm(&actor, attempt).await?;
        let now = self.clock.now();
        let mut transaction = self.store.begin(&actor).await?;
        let stored = transaction.users().find(principal.user_id()).await?.ok_or(IdentityError::NotFound)?;
        if !precondition.allows(stored.revision) {
            return Err(IdentityError::RevisionMismatch.into());
        }
        confirmed.check(transaction.as_mut()).await?;
        leave_organizations(transaction.own_memberships(), now).await?;
        let seen = stored.revision;
        let user = stored.deleted(now);
        transaction.sessions().revoke_all(None, now).await?;
        let revocations = [self.accounts.user_revocation(&user, now)];
        transaction.revocations().insert(&revocations).await?;
        if !transaction.users().update(&user, seen).await.map_err(IdentityError::from)? {
            return Err(IdentityError::RevisionMismatch.into());
        }
        let entry = AuditEntry::success(&*self.ids, now, &actor, AuditAction::USER_DELETE);
        transaction.audit().append(&entry.about(AuditTarget::one("user", user.id))).await?;
        transaction.commit().await?;
        self.revocations.apply(&revocations);
        Ok(())
    }
}

/// Ends the actor's memberships, and deletes the organisations that nobody else belongs to.
async fn leave_organizations(
    memberships: &mut dyn OwnMembershipRepository,
    now: DateTime<Utc>,
) -> Result<(), SignInError> {
    let owned = memberships.list().await?.into_iter().filter(|own| own.membership.role == Role::Owner);
    let mut owned: Vec<OrganizationId> = owned.map(|own| own.organization.id).collect();
    // Each is locked until the end: in the same order by everybody, so that no two transactions wait for each other.
    owned.sort_unstable();
    for id in owned {
        let others = memberships.count_others(id).await?;
        if others.members == 0 {
            memberships.delete_organization(id, now).await?;
        } else if others.owners == 0 {
            return Err(SignInError::LastOwner);
        }
    }
    Ok(memberships.delete_all().await?)
}
