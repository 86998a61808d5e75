use std::sync::Arc;

use chrono::{DateTime, Utc};
use tenantry_identity::{
    Actor, AuditAction, AuditTarget, Authenticator, Client, FullName, InsertUserError, NewAccount, Password,
    Registered, Registration, User, UserKey, Username,
};
use tenantry_kernel::{Clock, IdGenerator, StorageError, Store, UserId};
use tenantry_tenancy::{
    Invitation, InvitationDoor, Membership, OpenInvitation, OwnMembership, TenancyError, TenantContext,
};

use crate::{Login, SignUpError, SignedInUser, TokenIssuer, ports::MembersTransaction};

/// Somebody without an account who accepts an invitation.
#[derive(Debug)]
pub struct Invitee {
    /// The name to sign in with; made from the e-mail address where absent.
    pub username: Option<Username>,
    /// Their name.
    pub full_name: Option<FullName>,
    /// The password.
    pub password: Password,
}

/// Accepting invitations: by somebody who has an account, or with a new one.
pub struct Acceptance {
    door: Arc<InvitationDoor>,
    store: Arc<dyn Store<TenantContext, dyn MembersTransaction>>,
    registration: Registration,
    tokens: Arc<TokenIssuer>,
    authenticator: Arc<Authenticator>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdGenerator>,
}

impl Acceptance {
    const ACCEPT: AuditAction = AuditAction::of("invitation.accept");

    /// The use cases over these ports.
    #[must_use]
    pub fn new(
        door: Arc<InvitationDoor>,
        store: Arc<dyn Store<TenantContext, dyn MembersTransaction>>,
        registration: Registration,
        tokens: Arc<TokenIssuer>,
        authenticator: Arc<Authenticator>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdGenerator>,
    ) -> Self {
        Self { door, store, registration, tokens, authenticator, clock, ids }
    }

    /// Makes the actor a member. That they got the mail proves their address as well.
    ///
    /// # Errors
    /// [`TenancyError::Forbidden`] for whoever has another address; [`TenancyError::AlreadyMember`], and the invitation
    /// waits on then; [`TenancyError::InvitationUsed`]; [`TenancyError::NotFound`], also once whoever invited may not do so
    /// any more.
    pub async fn accept(&self, invitation: &OpenInvitation, actor: Actor) -> Result<OwnMembership, TenancyError> {
        let context = invitation.context(actor);
        let user_id = context.user_id()?;
        let now = self.clock.now();
        let mut transaction = self.store.begin(&context).await?;
        // The account is locked before anything of the organisation, here as everywhere.
        let stored = transaction.users().find(user_id).await?.filter(|user| user.deleted_at.is_none());
        let stored = stored.ok_or(TenancyError::NotFound)?;
        if stored.email.key() != invitation.found().invitation.email.key() {
            return Err(TenancyError::Forbidden);
        }
        let own = self.join(transaction.as_mut(), &context, invitation, user_id, now).await?;
        if stored.email_verified_at.is_none() {
            let seen = stored.revision;
            if !transaction.users().update(&stored.verified(now), seen).await.map_err(storage)? {
                return Err(TenancyError::RevisionMismatch);
            }
        }
        transaction.commit().await?;
        Ok(own)
    }

    /// Makes an account, whose address is proved by the mail, and a member of it, and opens a session from `client`.
    ///
    /// # Errors
    /// [`SignUpError::Taken`] when the address has an account, or somebody the username; [`SignUpError::Weak`]; otherwise
    /// as [`Acceptance::accept`].
    pub async fn accept_as_newcomer(
        &self,
        invitation: &OpenInvitation,
        invitee: Invitee,
        client: Client,
    ) -> Result<Login, SignUpError> {
        if invitation.found().account_exists {
            return Err(SignUpError::Taken(UserKey::Email));
        }
        let account = NewAccount {
            email: invitation.found().invitation.email.clone(),
            username: invitee.username,
            full_name: invitee.full_name,
            password: invitee.password,
            is_platform_admin: false,
            must_change_password: false,
        };
        let Registered { user, password_hash, actor } = self.registration.prepare(account).await?;
        let now = user.created_at;
        let user = User { last_login_at: Some(now), ..user.with_proved_email(now) };
        let context = invitation.context(actor.at(Arc::new(client.clone())));
        let session = self.tokens.open_session(user.id, context.organization_id(), client, now);

        let mut transaction = self.store.begin(&context).await?;
        transaction.users().insert(&user).await?;
        transaction.credentials().insert(user.id, &password_hash, now).await?;
        let own = self.join(transaction.as_mut(), &context, invitation, user.id, now).await?;
        transaction.sessions().insert(&session).await?;
        let entry = context.audit_entry(&*self.ids, now, AuditAction::USER_SIGNUP);
        transaction.audit().append(&entry.about(AuditTarget::one("user", user.id))).await?;
        transaction.commit().await?;

        let tokens = self.tokens.issue(&session, session.generation, &user, &own.membership, now);
        let device_token = self.authenticator.mark_device(user.id, None);
        Ok(Login { signed_in: SignedInUser { user, own, tokens }, device_token })
    }

    /// Finds the invitation of a token, for whoever wants to look at it or to accept it.
    #[must_use]
    pub fn door(&self) -> &InvitationDoor {
        &self.door
    }

    /// Uses the invitation up and stores the membership.
    async fn join(
        &self,
        transaction: &mut dyn MembersTransaction,
        context: &TenantContext,
        open: &OpenInvitation,
        user_id: UserId,
        now: DateTime<Utc>,
    ) -> Result<OwnMembership, TenancyError> {
        let organization = transaction.organizations().find(context.organization_id()).await?;
        let organization = organization.filter(|organization| organization.is_active).ok_or(TenancyError::NotFound)?;
        let stored = transaction.invitations().find(open.found().invitation.id).await?.ok_or(TenancyError::NotFound)?;
        stored.check(open.digest(), now)?;
        require_right_to_invite(transaction, &stored).await?;
        if transaction.memberships().find(user_id).await?.is_some() {
            return Err(TenancyError::AlreadyMember);
        }
        if !transaction.invitations().use_up(stored.id, open.digest(), now).await? {
            return Err(TenancyError::InvitationUsed);
        }
        let membership = Membership::joining(organization.id, user_id, stored.role, now);
        transaction.memberships().insert(&membership).await?;
        let entry = context.audit_entry(&*self.ids, now, Self::ACCEPT);
        let entry = entry.about(AuditTarget::one("invitation", stored.id)).with("role", stored.role.as_str());
        transaction.audit().append(&entry).await?;
        Ok(OwnMembership { organization, membership })
    }
}

/// None of the account's names is changed here.
fn storage(error: InsertUserError) -> StorageError {
    match error {
        InsertUserError::Storage(error) => error,
        taken @ InsertUserError::Taken(_) => StorageError::Internal(taken.into()),
    }
}

/// Whoever invited must still have the right to: an invitation is no way to stay after one's own rights have gone.
async fn require_right_to_invite(
    transaction: &mut dyn MembersTransaction,
    invitation: &Invitation,
) -> Result<(), TenancyError> {
    let inviter = transaction.memberships().find(invitation.invited_by).await?;
    let inviter = inviter.filter(|membership| membership.is_active);
    let may_invite = inviter.is_some_and(|inviter| inviter.role.allows(invitation.role.permission_to_give()));
    if may_invite { Ok(()) } else { Err(TenancyError::NotFound) }
}
