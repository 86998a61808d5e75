use std::sync::Arc;

use tenantry_identity::{
    AuditAction, AuditTarget, Email, FullName, LinkPurpose, NewAccount, Password, Postbox, Registered, Registration,
    Username,
};
use tenantry_kernel::{Clock, IdGenerator, Store, UserId};
use tenantry_tenancy::{Member, Membership, Permission, Role, TenancyError, TenantContext};

use crate::{
    SignUpError,
    members::{check_manages, check_standing},
    ports::{MembersTransaction, OneTimePasswords},
};

/// A user whom somebody else makes an account for.
#[derive(Debug)]
pub struct NewUser {
    /// Where mail reaches them.
    pub email: Email,
    /// The name to sign in with; made from the e-mail address where absent.
    pub username: Option<Username>,
    /// Their name.
    pub full_name: Option<FullName>,
    /// Their password; where absent, a mail lets them choose one.
    pub password: Option<Password>,
    /// What they will be in the organisation.
    pub role: Role,
}

/// Making accounts for new members of an organisation.
pub struct Hiring {
    registration: Registration,
    passwords: Arc<dyn OneTimePasswords>,
    postbox: Arc<Postbox>,
    store: Arc<dyn Store<TenantContext, dyn MembersTransaction>>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdGenerator>,
}

impl Hiring {
    const CREATE: AuditAction = AuditAction::of("user.create");

    /// The use case over these ports.
    #[must_use]
    pub fn new(
        registration: Registration,
        passwords: Arc<dyn OneTimePasswords>,
        postbox: Arc<Postbox>,
        store: Arc<dyn Store<TenantContext, dyn MembersTransaction>>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdGenerator>,
    ) -> Self {
        Self { registration, passwords, postbox, store, clock, ids }
    }

    /// Makes an account that belongs to the context's organisation; a mail asks to confirm the address, or to choose a
    /// password. With an id that was reserved before, making it again
    /// answers the user who is there.
    ///
    /// # Errors
    /// [`SignUpError::Taken`], [`SignUpError::Weak`]; [`TenancyError::Forbidden`] without the right to manage members, or
    /// for a role above one's own.
    pub async fn hire(
        &self,
        context: &TenantContext,
        new: NewUser,
        reserved: Option<UserId>,
    ) -> Result<Member, SignUpError> {
        check_manages(context.role(), new.role)?;
        if let Some(id) = reserved
            && let Some(member) = self.find(context, id).await?
        {
            return Ok(member);
        }
        let id = reserved.unwrap_or_else(|| UserId::generate(&*self.ids));
        let (role, has_password) = (new.role, new.password.is_some());
        let Registered { user, password_hash, .. } = self.registration.prepare_as(id, self.account(new)).await?;
        let membership = Membership::joining(context.organization_id(), id, role, self.clock.now());

        let mut transaction = self.store.begin(context).await?;
        transaction.member_accounts().insert(&user, &password_hash).await?;
        let organization = transaction.organizations().find(context.organization_id()).await?;
        let organization = organization.ok_or(TenancyError::NotFound)?;
        let standing = check_standing(transaction.as_mut(), context, Permission::ManageMembers).await?;
        check_manages(standing, role)?;
        transaction.memberships().insert(&membership).await?;
        let mail = if has_password {
            self.postbox.link(&user.email, LinkPurpose::VerifyEmail)
        } else {
            self.postbox.choose_password(&user.email, organization.name.as_str())
        };
        transaction.outbox().insert(&mail).await?;
        let entry = context.audit_entry(&*self.ids, membership.joined_at, Self::CREATE);
        let entry = entry.about(AuditTarget::one("user", id)).with("role", role.as_str());
        transaction.audit().append(&entry).await?;
        transaction.commit().await?;
        Ok(Member { user, membership })
    }

    /// The member who was made before.
    async fn find(&self, context: &TenantContext, id: UserId) -> Result<Option<Member>, SignUpError> {
        let mut transaction = self.store.read(context).await?;
        let user = transaction.users().find(id).await?;
        let membership = transaction.memberships().find(id).await?;
        Ok(user.zip(membership).map(|(user, membership)| Member { user, membership }))
    }

    /// Without a password of its own, the account has one that nobody knows.
    fn account(&self, new: NewUser) -> NewAccount {
        NewAccount {
            email: new.email,
            username: new.username,
            full_name: new.full_name,
            password: new.password.unwrap_or_else(|| self.passwords.generate()),
            is_platform_admin: false,
            must_change_password: false,
        }
    }
}
