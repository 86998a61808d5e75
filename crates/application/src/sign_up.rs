use std::sync::Arc;

use tenantry_identity::{Client, IdentityError, NewAccount, Registration, User};
use tenantry_kernel::{Clock, IdGenerator, Store};
use tenantry_tenancy::{NewOrganization, OrganizationName, Organizations, OwnMembership, TenantContext};

use crate::{SignUpError, TokenIssuer, TokenPair, ports::SignUpTransaction};

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
    /// The tokens of its first session, where one was asked for.
    pub tokens: Option<TokenPair>,
}

/// Signing up: an account, its first organisation and perhaps its first session, or nothing at all.
pub struct SignUp {
    registration: Registration,
    store: Arc<dyn Store<TenantContext, dyn SignUpTransaction>>,
    tokens: Arc<TokenIssuer>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdGenerator>,
}

impl SignUp {
    /// The use case over these ports.
    #[must_use]
    pub fn new(
        registration: Registration,
        store: Arc<dyn Store<TenantContext, dyn SignUpTransaction>>,
        tokens: Arc<TokenIssuer>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdGenerator>,
    ) -> Self {
        Self { registration, store, tokens, clock, ids }
    }

    /// Makes the account, and signs it in where `client` says from where.
    ///
    /// # Errors
    /// [`SignUpError::Taken`], [`SignUpError::Weak`]; nothing is stored then.
    pub async fn sign_up(
        &self,
        account: NewAccount,
        organization: NewcomerOrganization,
        client: Option<Client>,
    ) -> Result<SignedUp, SignUpError> {
        let registered = self.registration.prepare(account).await.map_err(registration_error)?;
        let mut user = registered.user;
        let name = organization_name(organization, &user);
        let now = self.clock.now();
        let mut foundation = TenantContext::found(registered.actor, NewOrganization::named(name), now, &*self.ids)?;
        let session = client.map(|client| self.tokens.open_session(user.id, foundation.organization.id, client, now));
        if session.is_some() {
            user.last_login_at = Some(now);
        }

        let mut transaction = self.store.begin(&foundation.context).await?;
        transaction.users().insert(&user).await?;
        transaction.credentials().insert(user.id, &registered.password_hash, now).await?;
        Organizations::insert_with_free_slug(transaction.organizations(), &mut foundation.organization, &*self.ids)
            .await?;
        transaction.memberships().insert(&foundation.membership).await?;
        if let Some(session) = &session {
            transaction.sessions().insert(session).await?;
        }
        transaction.commit().await?;

        let tokens =
            session.map(|session| self.tokens.issue(&session, session.generation, &user, &foundation.membership, now));
        let own = OwnMembership { organization: foundation.organization, membership: foundation.membership };
        Ok(SignedUp { user, own, context: foundation.context, tokens })
    }
}

/// A personal organisation bears its owner's name, or else the sign-in name.
fn organization_name(organization: NewcomerOrganization, user: &User) -> OrganizationName {
    let personal = || {
        let owner = user.full_name.as_ref().map_or(user.username.as_str(), |name| name.as_str());
        OrganizationName::parse(owner).or_else(|_| OrganizationName::parse("Personal"))
    };
    match organization {
        NewcomerOrganization::Company(name) => name,
        NewcomerOrganization::Personal => personal().unwrap_or_else(|_| unreachable!("\"Personal\" is a name")),
    }
}

fn registration_error(error: IdentityError) -> SignUpError {
    match error {
        IdentityError::Taken(key) => SignUpError::Taken(key),
        IdentityError::Weak(weak) => SignUpError::Weak(weak),
        IdentityError::Hashing(error) => SignUpError::Hashing(error),
        IdentityError::Storage(error) => SignUpError::Storage(error),
        IdentityError::NotFound | IdentityError::WrongPassword | IdentityError::RevisionMismatch => {
            unreachable!("registration looks nothing up")
        }
    }
}
