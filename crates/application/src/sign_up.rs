use std::sync::Arc;

use tenantry_identity::{Client, NewAccount, PasswordHash, Registration, Session, User};
use tenantry_kernel::{Clock, IdGenerator, Store};
use tenantry_tenancy::{Foundation, NewOrganization, OrganizationName, Organizations, OwnMembership, TenantContext};

use crate::{SignUpError, TokenIssuer, TokenPair, ports::MembersTransaction};

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
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdGenerator>,
    ) -> Self {
        Self { registration, store, tokens, clock, ids }
    }

    /// Makes the account and its organisation, without signing in.
    ///
    /// # Errors
    /// [`SignUpError::Taken`], [`SignUpError::Weak`]; nothing is stored then.
    pub async fn sign_up(
        &self,
        account: NewAccount,
        organization: NewcomerOrganization,
    ) -> Result<SignedUp, SignUpError> {
        let newcomer = self.prepare(account, organization).await?;
        self.store(newcomer, None).await
    }

    /// Makes the account and its organisation, and opens a session from `client`.
    ///
    /// # Errors
    /// As [`SignUp::sign_up`].
    pub async fn sign_up_and_in(
        &self,
        account: NewAccount,
        organization: NewcomerOrganization,
        client: Client,
    ) -> Result<(SignedUp, TokenPair), SignUpError> {
        let mut newcomer = self.prepare(account, organization).await?;
        let now = newcomer.foundation.organization.created_at;
        newcomer.user.last_login_at = Some(now);
        let session = self.tokens.open_session(newcomer.user.id, newcomer.foundation.organization.id, client, now);
        let signed_up = self.store(newcomer, Some(&session)).await?;
        let tokens = self.tokens.issue(&session, session.generation, &signed_up.user, &signed_up.own.membership, now);
        Ok((signed_up, tokens))
    }

    /// Everything that needs no store.
    async fn prepare(&self, account: NewAccount, organization: NewcomerOrganization) -> Result<Newcomer, SignUpError> {
        let registered = self.registration.prepare(account).await?;
        let new = NewOrganization::named(organization_name(organization, &registered.user));
        let foundation = TenantContext::found(registered.actor, new, self.clock.now(), &*self.ids)?;
        Ok(Newcomer { user: registered.user, password_hash: registered.password_hash, foundation })
    }

    async fn store(&self, newcomer: Newcomer, session: Option<&Session>) -> Result<SignedUp, SignUpError> {
        let Newcomer { user, password_hash, mut foundation } = newcomer;
        let mut transaction = self.store.begin(&foundation.context).await?;
        transaction.users().insert(&user).await?;
        transaction.credentials().insert(user.id, &password_hash, user.created_at).await?;
        Organizations::insert_with_free_slug(transaction.organizations(), &mut foundation.organization, &*self.ids)
            .await?;
        transaction.memberships().insert(&foundation.membership).await?;
        if let Some(session) = session {
            transaction.sessions().insert(session).await?;
        }
        transaction.commit().await?;
        let own = OwnMembership { organization: foundation.organization, membership: foundation.membership };
        Ok(SignedUp { user, own, context: foundation.context })
    }
}

/// Somebody who is about to be stored.
struct Newcomer {
    user: User,
    password_hash: PasswordHash,
    foundation: Foundation,
}

/// A personal organisation bears its owner's name, or else the sign-in name.
fn organization_name(organization: NewcomerOrganization, user: &User) -> OrganizationName {
    match organization {
        NewcomerOrganization::Company(name) => name,
        // Both were parsed by rules that are narrower than those of an organisation's name.
        NewcomerOrganization::Personal => OrganizationName::from_stored(match &user.full_name {
            Some(name) => name.as_str().to_owned(),
            None => user.username.as_str().to_owned(),
        }),
    }
}
