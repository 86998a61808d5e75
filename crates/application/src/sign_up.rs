mod import;

use std::sync::Arc;

use tenantry_identity::{
    AuditAction, AuditEntry, AuditTarget, Client, LinkPurpose, NewAccount, OutgoingMail, PasswordHash, Postbox,
    Registration, Session, User,
};
use tenantry_kernel::{Clock, IdGenerator, Store};
use tenantry_tenancy::{Foundation, NewOrganization, OrganizationName, Organizations, OwnMembership, TenantContext};

use crate::{SignUpError, TokenIssuer, TokenPair, ports::MembersTransaction};

pub use self::import::{ImportError, ImportMode};

/// The organisation that a newcomer founds by signing up.
#[derive(Debug, Clone)]
pub enum NewcomerOrganization {
    /// A personal one, named after them.
    Personal,
    /// A company of this name.
    Company(OrganizationName),
}

/// Somebody who has just signed up.
#[derive(Debug)]
pub struct SignedUp {
    /// The account.
    pub user: User,
    /// The organisation it owns.
    pub own: OwnMembership,
    /// The user within that organisation.
    pub context: TenantContext,
}

/// Signing up: an account, its first organisation and perhaps its first session, or nothing at all.
pub struct SignUp {
    registration: Registration,
    store: Arc<dyn Store<TenantContext, dyn MembersTransaction>>,
    tokens: Arc<TokenIssuer>,
    postbox: Arc<Postbox>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdGenerator>,
}

impl SignUp {
    /// The use case over these ports.
    #[must_use]
    pub fn new(
        registration: Registration,
        store: Arc<dyn Store<TenantContext, dyn MembersTransaction>>,
        tokens: Arc<TokenIssuer>,
        postbox: Arc<Postbox>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdGenerator>,
    ) -> Self {
        Self { registration, store, tokens, postbox, clock, ids }
    }

    /// Makes the account and its organisation, without signing in. Where there is no `client`, the service itself does;
    /// otherwise a mail asks to confirm the address.
    ///
    /// # Errors
    /// [`SignUpError::Taken`], [`SignUpError::Weak`]; nothing is stored then.
    pub async fn sign_up(
        &self,
        account: NewAccount,
        organization: NewcomerOrganization,
        client: Option<Client>,
    ) -> Result<SignedUp, SignUpError> {
        let newcomer = self.prepare(account, organization, client).await?;
        self.store(newcomer, None).await
    }

    /// Makes the account and its organisation, opens a session from `client`, and mails a link to confirm the address.
    ///
    /// # Errors
    /// As [`SignUp::sign_up`].
    pub async fn sign_up_and_in(
        &self,
        account: NewAccount,
        organization: NewcomerOrganization,
        client: Client,
    ) -> Result<(SignedUp, TokenPair), SignUpError> {
        let mut newcomer = self.prepare(account, organization, Some(client.clone())).await?;
        let now = newcomer.foundation.organization.created_at;
        newcomer.user.last_login_at = Some(newcomer.user.created_at);
        let session = self.tokens.open_session(newcomer.user.id, newcomer.foundation.organization.id, client, now);
        let signed_up = self.store(newcomer, Some(&session)).await?;
        let tokens = self.tokens.issue(&session, session.generation, &signed_up.user, &signed_up.own.membership, now);
        Ok((signed_up, tokens))
    }

    /// Everything that needs no store.
    async fn prepare(
        &self,
        account: NewAccount,
        organization: NewcomerOrganization,
        client: Option<Client>,
    ) -> Result<Newcomer, SignUpError> {
        let registered = self.registration.prepare(account).await?;
        let new = NewOrganization::named(organization_name(organization, &registered.user));
        let confirmation =
            client.is_some().then(|| self.postbox.link(&registered.user.email, LinkPurpose::VerifyEmail));
        let actor = match client {
            Some(client) => registered.actor.at(Arc::new(client)),
            None => registered.actor,
        };
        let foundation = TenantContext::found(actor, new, self.clock.now(), &*self.ids)?;
        Ok(Newcomer { user: registered.user, password_hash: registered.password_hash, foundation, confirmation })
    }

    async fn store(&self, newcomer: Newcomer, session: Option<&Session>) -> Result<SignedUp, SignUpError> {
        let user = &newcomer.user;
        let entry = newcomer.foundation.context.audit_entry(&*self.ids, user.created_at, AuditAction::USER_SIGNUP);
        let entry = entry.about(AuditTarget::one("user", user.id));
        let (transaction, signed_up) = self.stage(newcomer, session, &entry).await?;
        transaction.commit().await?;
        Ok(signed_up)
    }

    /// All that is stored, before it is committed.
    async fn stage(
        &self,
        newcomer: Newcomer,
        session: Option<&Session>,
        entry: &AuditEntry,
    ) -> Result<(Box<dyn MembersTransaction>, SignedUp), SignUpError> {
        let Newcomer { user, password_hash, mut foundation, confirmation } = newcomer;
        let mut transaction = self.store.begin(&foundation.context).await?;
        transaction.users().insert(&user).await?;
        transaction.credentials().insert(user.id, &password_hash, user.created_at).await?;
        Organizations::insert_with_free_slug(transaction.organizations(), &mut foundation.organization, &*self.ids)
            .await?;
        transaction.memberships().insert(&foundation.membership).await?;
        if let Some(session) = session {
            transaction.sessions().insert(session).await?;
        }
        if let Some(confirmation) = &confirmation {
            transaction.outbox().insert(confirmation).await?;
        }
        transaction.audit().append(entry).await?;
        let own = OwnMembership { organization: foundation.organization, membership: foundation.membership };
        Ok((transaction, SignedUp { user, own, context: foundation.context }))
    }
}

/// Somebody who is about to be stored.
struct Newcomer {
    user: User,
    password_hash: PasswordHash,
    foundation: Foundation,
    /// The mail that asks to confirm the address.
    confirmation: Option<OutgoingMail>,
}

/// A personal organisation bears its owner's name, or else the sign-in name.
fn organization_name(organization: NewcomerOrganization, user: &User) -> OrganizationName {
    match organization {
        NewcomerOrganization::Company(name) => name,
        NewcomerOrganization::Personal => personal_name(user),
    }
}

/// Name and username were parsed by rules that are narrower than those of an organisation's name.
pub(crate) fn personal_name(user: &User) -> OrganizationName {
    OrganizationName::from_stored(user.display_name().to_owned())
}
