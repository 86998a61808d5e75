use std::sync::Arc;

use chrono::{DateTime, Utc};
use tenantry_identity::{AuditAction, AuditTarget, Email, LinkToken, Mail, OutgoingMail, Postbox};
use tenantry_kernel::{Clock, IdGenerator, Page, PageRequest, Precondition, Revision, Store};
use tenantry_tenancy::{Invitation, InvitationId, Permission, Role, TenancyError, TenantContext};

use crate::ports::MembersTransaction;

/// Whom to invite.
#[derive(Debug, Clone)]
pub struct NewInvitation {
    /// The id, where one was reserved for it before.
    pub id: Option<InvitationId>,
    /// Who is asked.
    pub email: Email,
    /// What they would be.
    pub role: Role,
}

/// Asking people to join an organisation.
pub struct Invitations {
    store: Arc<dyn Store<TenantContext, dyn MembersTransaction>>,
    postbox: Arc<Postbox>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdGenerator>,
}

impl Invitations {
    const INVITE: AuditAction = AuditAction::of("invitation.create");
    const REVOKE: AuditAction = AuditAction::of("invitation.revoke");

    /// The use cases over these ports.
    #[must_use]
    pub fn new(
        store: Arc<dyn Store<TenantContext, dyn MembersTransaction>>,
        postbox: Arc<Postbox>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdGenerator>,
    ) -> Self {
        Self { store, postbox, clock, ids }
    }

    /// Invites somebody by mail. Whoever was invited before gets a new mail, and the link of the one before is dead. The
    /// answer does not tell whether the address has an account.
    ///
    /// # Errors
    /// [`TenancyError::Forbidden`] without the right to give the role; [`TenancyError::AlreadyMember`].
    pub async fn invite(&self, context: &TenantContext, new: NewInvitation) -> Result<Invitation, TenancyError> {
        context.require(new.role.permission_to_give())?;
        let token = self.postbox.new_token();
        let mut transaction = self.store.begin(context).await?;
        if let Some(user) = transaction.users().find_by_email(&new.email).await?
            && transaction.memberships().find(user.id).await?.is_some()
        {
            return Err(TenancyError::AlreadyMember);
        }
        let now = self.clock.now();
        let wanted = self.invitation(context, new, &token, now)?;
        let invitation = store(transaction.as_mut(), wanted).await?;
        let mail = self.mail(transaction.as_mut(), context, &invitation, token).await?;
        transaction.outbox().insert(&mail).await?;
        let entry = context.audit_entry(&*self.ids, now, Self::INVITE).about(target(invitation.id));
        transaction.audit().append(&entry.with("role", invitation.role.as_str())).await?;
        transaction.commit().await?;
        Ok(invitation)
    }

    fn invitation(
        &self,
        context: &TenantContext,
        new: NewInvitation,
        token: &LinkToken,
        now: DateTime<Utc>,
    ) -> Result<Invitation, TenancyError> {
        Ok(Invitation {
            id: new.id.unwrap_or_else(|| InvitationId::generate(&*self.ids)),
            organization_id: context.organization_id(),
            email: new.email,
            role: new.role,
            digest: self.postbox.digest(token),
            invited_by: context.user_id()?,
            created_at: now,
            expires_at: now + self.postbox.rules().invitation,
            accepted_at: None,
            revision: Revision::FIRST,
        })
    }

    /// The mail that brings the token.
    async fn mail(
        &self,
        transaction: &mut dyn MembersTransaction,
        context: &TenantContext,
        invitation: &Invitation,
        token: LinkToken,
    ) -> Result<OutgoingMail, TenancyError> {
        let organization = transaction.organizations().find(context.organization_id()).await?;
        let organization = organization.ok_or(TenancyError::NotFound)?;
        let inviter = transaction.users().find(invitation.invited_by).await?.ok_or(TenancyError::NotFound)?;
        let mail = Mail::Invitation {
            organization_name: organization.name.as_str().to_owned(),
            inviter_name: inviter.display_name().to_owned(),
            role: invitation.role.as_str().to_owned(),
            token,
            expires_at: invitation.expires_at,
        };
        Ok(self.postbox.seal(&invitation.email, mail))
    }

    /// A page of the organisation's invitations, the newest first: those that wait, and for as long as they would have
    /// been good those that were accepted.
    ///
    /// # Errors
    /// [`TenancyError::Forbidden`] without the right to manage members.
    pub async fn list(&self, context: &TenantContext, page: &PageRequest) -> Result<Page<Invitation>, TenancyError> {
        context.require(Permission::ManageMembers)?;
        let mut transaction = self.store.read(context).await?;
        Ok(transaction.invitations().list(page).await?)
    }

    /// Takes an invitation back that was not accepted yet.
    ///
    /// # Errors
    /// [`TenancyError::Forbidden`] without the right to manage members; [`TenancyError::NotFound`];
    /// [`TenancyError::InvitationUsed`]; [`TenancyError::RevisionMismatch`] when `precondition` does not allow the stored
    /// revision.
    pub async fn revoke(
        &self,
        context: &TenantContext,
        id: InvitationId,
        precondition: &Precondition,
    ) -> Result<(), TenancyError> {
        context.require(Permission::ManageMembers)?;
        let mut transaction = self.store.begin(context).await?;
        let invitation = transaction.invitations().find(id).await?.ok_or(TenancyError::NotFound)?;
        context.require(invitation.role.permission_to_give())?;
        if !precondition.allows(invitation.revision) {
            return Err(TenancyError::RevisionMismatch);
        }
        if !transaction.invitations().delete(id).await? {
            return Err(TenancyError::InvitationUsed);
        }
        let entry = context.audit_entry(&*self.ids, self.clock.now(), Self::REVOKE).about(target(id));
        transaction.audit().append(&entry).await?;
        Ok(transaction.commit().await?)
    }
}

fn target(id: InvitationId) -> AuditTarget {
    AuditTarget::one("invitation", id)
}

/// Stores the invitation, in the place of the one that the address has already.
async fn store(transaction: &mut dyn MembersTransaction, wanted: Invitation) -> Result<Invitation, TenancyError> {
    // When another request was faster, there is one now.
    for _ in 0..2 {
        let pending = transaction.invitations().find_pending(&wanted.email).await?;
        let Some(pending) = pending else {
            if transaction.invitations().insert(&wanted).await? {
                return Ok(wanted);
            }
            continue;
        };
        let renewed = Invitation { id: pending.id, revision: pending.revision.next(), ..wanted.clone() };
        if transaction.invitations().update(&renewed).await? {
            return Ok(renewed);
        }
    }
    Err(TenancyError::InvitationUsed)
}
