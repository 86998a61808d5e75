use std::sync::Arc;

use chrono::{DateTime, Utc};
use tenantry_identity::{Accounts, AuditAction, AuditEntry, AuditTarget, FullName, InsertUserError, Revocation};
use tenantry_kernel::{Clock, IdGenerator, Page, PageRequest, Precondition, Store, UserId};
use tenantry_tenancy::{
    Member, MemberFilter, Membership, MembershipChange, Permission, Role, TenancyError, TenantContext,
};

use crate::ports::MembersTransaction;

/// A change of a member; what is `None` stays as it is, `Some(None)` clears.
#[derive(Debug, Clone, Default)]
pub struct MemberChange {
    /// The new name.
    pub full_name: Option<Option<FullName>>,
    /// The new role and activity.
    pub membership: MembershipChange,
}

/// The users of an organisation.
///
/// Whoever changes a membership holds the locks of the account and of the organisation, in this order. So an organisation
/// has an active owner after whatever sequence of changes, however many are tried at once.
pub struct Members {
    store: Arc<dyn Store<TenantContext, dyn MembersTransaction>>,
    accounts: Arc<Accounts>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdGenerator>,
}

impl Members {
    const ADD: AuditAction = AuditAction::of("member.add");
    const UPDATE: AuditAction = AuditAction::of("member.update");
    const REMOVE: AuditAction = AuditAction::of("member.remove");
    const LEAVE: AuditAction = AuditAction::of("member.leave");

    /// The use cases over these ports.
    #[must_use]
    pub fn new(
        store: Arc<dyn Store<TenantContext, dyn MembersTransaction>>,
        accounts: Arc<Accounts>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdGenerator>,
    ) -> Self {
        Self { store, accounts, clock, ids }
    }

    /// Makes a user, who has agreed to it, a member of the context's organisation.
    ///
    /// # Errors
    /// [`TenancyError::Forbidden`] without the right to manage members, or for a role above one's own;
    /// [`TenancyError::AlreadyMember`]; [`TenancyError::NotFound`] once the account is deleted.
    pub async fn add(&self, context: &TenantContext, user_id: UserId, role: Role) -> Result<Membership, TenancyError> {
        check_manages(context.role(), role)?;
        let now = self.clock.now();
        let membership = Membership::joining(context.organization_id(), user_id, role, now);
        let mut transaction = self.store.begin(context).await?;
        transaction.memberships().insert(&membership).await?;
        let entry = self.act(context, Self::ADD, user_id, now).with("role", role.as_str());
        transaction.audit().append(&entry).await?;
        transaction.commit().await?;
        Ok(membership)
    }

    /// A user of the context's organisation. People always find themselves.
    ///
    /// # Errors
    /// [`TenancyError::Forbidden`] for a guest who asks for another; [`TenancyError::NotFound`].
    pub async fn find(&self, context: &TenantContext, id: UserId) -> Result<Member, TenancyError> {
        if context.actor().user_id() != Some(id) {
            context.require(Permission::ReadMembers)?;
        }
        let mut transaction = self.store.read(context).await?;
        let membership = transaction.memberships().find(id).await?.ok_or(TenancyError::NotFound)?;
        let user = transaction.users().find(id).await?.filter(|user| user.deleted_at.is_none());
        Ok(Member { user: user.ok_or(TenancyError::NotFound)?, membership })
    }

    /// A page of the organisation's members, those who joined last first.
    ///
    /// # Errors
    /// [`TenancyError::Forbidden`] for a guest.
    pub async fn list(
        &self,
        context: &TenantContext,
        filter: &MemberFilter,
        page: &PageRequest,
    ) -> Result<Page<Member>, TenancyError> {
        context.require(Permission::ReadMembers)?;
        let mut transaction = self.store.read(context).await?;
        Ok(transaction.memberships().list(filter, page).await?)
    }

    /// Changes a member's name, role or activity. Access tokens of another role are dead at once.
    ///
    /// # Errors
    /// [`TenancyError::Forbidden`] without the right to manage members, and for who is or would be above the actor;
    /// [`TenancyError::NotFound`]; [`TenancyError::RevisionMismatch`] when `precondition` does not allow the stored
    /// revision; [`TenancyError::LastOwner`].
    pub async fn change(
        &self,
        context: &TenantContext,
        id: UserId,
        change: MemberChange,
        precondition: &Precondition,
    ) -> Result<Member, TenancyError> {
        context.require(Permission::ManageMembers)?;
        let now = self.clock.now();
        let mut transaction = self.store.begin(context).await?;
        let mut member = find_to_change(transaction.as_mut(), context, id).await?;
        let role = check_standing(transaction.as_mut(), context, Permission::ManageMembers).await?;
        check_manages(role, member.membership.role)?;
        if !precondition.allows(member.revision()) {
            return Err(TenancyError::RevisionMismatch);
        }
        let mut revocations = Vec::new();
        let changed = member.membership.clone().changed(change.membership, now);
        if changed != member.membership {
            check_manages(role, changed.role)?;
            if member.membership.is_active_owner() && !changed.is_active_owner() {
                check_other_owners(transaction.as_mut(), id).await?;
            }
            if !transaction.memberships().update(&changed, member.membership.revision).await? {
                return Err(TenancyError::RevisionMismatch);
            }
            revocations.push(self.revocation(&changed, now));
            transaction.revocations().insert(&revocations).await?;
            let entry = self.act(context, Self::UPDATE, id, now).with("role", changed.role.as_str());
            transaction.audit().append(&entry.with("is_active", changed.is_active)).await?;
            member.membership = changed;
        }
        if let Some(full_name) = change.full_name {
            let seen = member.user.revision;
            member.user = member.user.with_profile(Some(full_name), None, now);
            if !updated(transaction.member_accounts().update(&member.user, seen).await)? {
                return Err(TenancyError::RevisionMismatch);
            }
            transaction.audit().append(&self.act(context, AuditAction::USER_UPDATE, id, now)).await?;
        }
        transaction.commit().await?;
        self.accounts.apply(&revocations);
        Ok(member)
    }

    /// Ends a membership: the actor's own, or that of somebody whom the actor manages. The account stays.
    ///
    /// # Errors
    /// As [`Members::change`]; everybody may leave but the last owner.
    pub async fn remove(
        &self,
        context: &TenantContext,
        id: UserId,
        precondition: &Precondition,
    ) -> Result<(), TenancyError> {
        let is_leaving = context.actor().user_id() == Some(id);
        if !is_leaving {
            context.require(Permission::ManageMembers)?;
        }
        let now = self.clock.now();
        let mut transaction = self.store.begin(context).await?;
        let member = find_to_change(transaction.as_mut(), context, id).await?;
        if !is_leaving {
            let role = check_standing(transaction.as_mut(), context, Permission::ManageMembers).await?;
            check_manages(role, member.membership.role)?;
        }
        if !precondition.allows(member.revision()) {
            return Err(TenancyError::RevisionMismatch);
        }
        let action = if is_leaving { Self::LEAVE } else { Self::REMOVE };
        let revocations = [self.end(transaction.as_mut(), member.membership, now).await?];
        transaction.revocations().insert(&revocations).await?;
        transaction.audit().append(&self.act(context, action, id, now)).await?;
        transaction.commit().await?;
        self.accounts.apply(&revocations);
        Ok(())
    }

    /// Ends somebody's membership, and deletes the account if it belongs to no other organisation. Accounts that
    /// administer the platform stay.
    ///
    /// # Errors
    /// As [`Members::change`]; [`TenancyError::SelfDeletion`].
    pub async fn dismiss(
        &self,
        context: &TenantContext,
        id: UserId,
        precondition: &Precondition,
    ) -> Result<(), TenancyError> {
        context.require(Permission::ManageMembers)?;
        if context.actor().user_id() == Some(id) {
            return Err(TenancyError::SelfDeletion);
        }
        let now = self.clock.now();
        let mut transaction = self.store.begin(context).await?;
        let member = find_to_change(transaction.as_mut(), context, id).await?;
        let role = check_standing(transaction.as_mut(), context, Permission::ManageMembers).await?;
        check_manages(role, member.membership.role)?;
        if !precondition.allows(member.revision()) {
            return Err(TenancyError::RevisionMismatch);
        }
        let mut revocations = Vec::new();
        if !member.user.is_platform_admin && !transaction.member_accounts().belongs_elsewhere(id).await? {
            let seen = member.user.revision;
            let user = member.user.deleted(now);
            transaction.member_accounts().end_sessions(id, now).await?;
            if !updated(transaction.member_accounts().update(&user, seen).await)? {
                return Err(TenancyError::RevisionMismatch);
            }
            revocations.push(self.accounts.user_revocation(&user, now));
            transaction.audit().append(&self.act(context, AuditAction::USER_DELETE, id, now)).await?;
        }
        revocations.push(self.end(transaction.as_mut(), member.membership, now).await?);
        transaction.revocations().insert(&revocations).await?;
        transaction.audit().append(&self.act(context, Self::REMOVE, id, now)).await?;
        transaction.commit().await?;
        self.accounts.apply(&revocations);
        Ok(())
    }

    /// Ends a membership that was found behind locks; answers what ends its access tokens.
    async fn end(
        &self,
        transaction: &mut dyn MembersTransaction,
        membership: Membership,
        now: DateTime<Utc>,
    ) -> Result<Revocation, TenancyError> {
        if membership.is_active_owner() {
            check_other_owners(transaction, membership.user_id).await?;
        }
        if !transaction.memberships().delete(membership.user_id, membership.revision).await? {
            return Err(TenancyError::RevisionMismatch);
        }
        Ok(self.revocation(&membership.renewed(now), now))
    }

    fn revocation(&self, renewed: &Membership, now: DateTime<Utc>) -> Revocation {
        self.accounts.membership_revocation(renewed.organization_id, renewed.user_id, renewed.epoch, now)
    }

    fn act(&self, context: &TenantContext, action: AuditAction, id: UserId, now: DateTime<Utc>) -> AuditEntry {
        context.audit_entry(&*self.ids, now, action).about(AuditTarget::one("user", id))
    }
}

/// A member, behind the locks that whoever changes a membership holds.
async fn find_to_change(
    transaction: &mut dyn MembersTransaction,
    context: &TenantContext,
    id: UserId,
) -> Result<Member, TenancyError> {
    let user = transaction.member_accounts().find(id).await?.ok_or(TenancyError::NotFound)?;
    transaction.organizations().find(context.organization_id()).await?.ok_or(TenancyError::NotFound)?;
    let membership = transaction.memberships().find(id).await?.ok_or(TenancyError::NotFound)?;
    Ok(Member { user, membership })
}

/// Asks for the right again, of the actor's role as it is stored now: the context may have been issued before another
/// transaction changed it. Whoever calls this holds the lock of the organisation.
pub(crate) async fn check_standing(
    transaction: &mut dyn MembersTransaction,
    context: &TenantContext,
    permission: Permission,
) -> Result<Role, TenancyError> {
    let stored = transaction.memberships().find(context.user_id()?).await?.filter(|membership| membership.is_active);
    let role = stored.ok_or(TenancyError::Forbidden)?.role.min(context.role());
    if role.allows(permission) { Ok(role) } else { Err(TenancyError::Forbidden) }
}

pub(crate) fn check_manages(role: Role, other: Role) -> Result<(), TenancyError> {
    if role.manages(other) { Ok(()) } else { Err(TenancyError::Forbidden) }
}

async fn check_other_owners(transaction: &mut dyn MembersTransaction, id: UserId) -> Result<(), TenancyError> {
    match transaction.memberships().count_other_owners(id).await? {
        0 => Err(TenancyError::LastOwner),
        _ => Ok(()),
    }
}

/// Whether an account was updated whose e-mail address and username stay, and so can't be taken.
fn updated(outcome: Result<bool, InsertUserError>) -> Result<bool, TenancyError> {
    match outcome {
        Ok(updated) => Ok(updated),
        Err(InsertUserError::Storage(error)) => Err(error.into()),
        Err(InsertUserError::Taken(_)) => Ok(false),
    }
}
