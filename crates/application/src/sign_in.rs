use std::sync::Arc;

use tenantry_identity::{
    Accounts, Actor, AuthenticationError, Authenticator, Client, LoginIdentifier, Password, PasswordAttempt,
    PasswordHash, Presentation, RefreshClaims, RevocationList, Session, SignedIn, User, ports::PasswordHasher,
};
use tenantry_kernel::{Clock, OrganizationId, Store};
use tenantry_tenancy::{OwnMembership, ports::OwnMembershipRepository};

use crate::{SignInError, TokenIssuer, TokenPair, ports::SignInTransaction};

/// Somebody who has just signed in.
#[derive(Debug)]
pub struct SignedInUser {
    /// The account.
    pub user: User,
    /// The organisation that the tokens name.
    pub own: OwnMembership,
    /// The session's tokens.
    pub tokens: TokenPair,
}

/// Signing in by password, and staying signed in by refresh token.
pub struct SignIn {
    authenticator: Arc<Authenticator>,
    accounts: Arc<Accounts>,
    hasher: Arc<dyn PasswordHasher>,
    store: Arc<dyn Store<Actor, dyn SignInTransaction>>,
    tokens: Arc<TokenIssuer>,
    revocations: Arc<RevocationList>,
    clock: Arc<dyn Clock>,
}

impl SignIn {
    /// How often a refresh is tried again when another one of the same session was faster.
    const REFRESH_TRIES: usize = 5;

    /// The use case over these ports.
    #[must_use]
    pub fn new(
        authenticator: Arc<Authenticator>,
        accounts: Arc<Accounts>,
        hasher: Arc<dyn PasswordHasher>,
        store: Arc<dyn Store<Actor, dyn SignInTransaction>>,
        tokens: Arc<TokenIssuer>,
        revocations: Arc<RevocationList>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { authenticator, accounts, hasher, store, tokens, revocations, clock }
    }

    /// Opens a session for whoever knows the password.
    ///
    /// # Errors
    /// [`AuthenticationError::InvalidCredentials`]; [`AuthenticationError::AccountInactive`] only after the right
    /// password, also when no organisation is open to the account.
    pub async fn by_password(
        &self,
        identifier: &LoginIdentifier,
        attempt: &PasswordAttempt,
        client: Client,
    ) -> Result<SignedInUser, SignInError> {
        let signed_in = self.authenticator.by_password(identifier, attempt).await?;
        let new_hash = if signed_in.rehash { self.rehash(attempt).await? } else { None };
        let now = self.clock.now();

        let mut transaction = self.store.begin(&signed_in.actor).await?;
        let mut user = still_as_proved(transaction.as_mut(), &signed_in).await?;
        let own = first_open(transaction.own_memberships()).await?;
        let session = self.tokens.open_session(user.id, own.organization.id, client, now);
        transaction.sessions().insert(&session).await?;
        transaction.users().record_login(user.id, now).await?;
        if let Some(hash) = &new_hash {
            transaction.credentials().update(user.id, hash, now).await?;
        }
        transaction.commit().await?;

        user.last_login_at = Some(now);
        let tokens = self.tokens.issue(&session, session.generation, &user, &own.membership, now);
        Ok(SignedInUser { user, own, tokens })
    }

    /// A hash of the current scheme for an account whose hash is of an older one; none for a password that would not
    /// be accepted today, which keeps its old hash.
    async fn rehash(&self, attempt: &PasswordAttempt) -> Result<Option<PasswordHash>, SignInError> {
        let Ok(password) = Password::parse(attempt.expose()) else { return Ok(None) };
        let hash = self.hasher.hash(&password).await.map_err(AuthenticationError::from)?;
        Ok(Some(hash))
    }

    /// Exchanges a refresh token for the next pair of tokens. A retry gets the same refresh token again; a token that
    /// was replaced too long ago ends its session.
    ///
    /// # Errors
    /// [`AuthenticationError::RefreshTokenInvalid`], [`AuthenticationError::RefreshTokenReused`];
    /// [`AuthenticationError::AccountInactive`] when no organisation is open to the account any more.
    pub async fn refresh(&self, token: &str) -> Result<SignedInUser, SignInError> {
        let (actor, claims) = self.authenticator.by_refresh_token(token)?;
        for _ in 0..Self::REFRESH_TRIES {
            if let Some(refreshed) = self.try_refresh(&actor, &claims).await? {
                return Ok(refreshed);
            }
        }
        Err(AuthenticationError::RefreshTokenInvalid.into())
    }

    /// `None` when another refresh of the same session came first.
    async fn try_refresh(&self, actor: &Actor, claims: &RefreshClaims) -> Result<Option<SignedInUser>, SignInError> {
        let limits = self.tokens.limits();
        let mut transaction = self.store.begin(actor).await?;
        // The account is locked before its sessions, here as everywhere, so that no two transactions wait for each other.
        let user = transaction.users().find(claims.user_id).await?;
        let user = user.ok_or(AuthenticationError::RefreshTokenInvalid)?;
        let stored = transaction.sessions().find(claims.session_id).await?;
        let session = stored.ok_or(AuthenticationError::RefreshTokenInvalid)?;
        let now = self.clock.now();
        let presentation = session.present(claims.generation, now, limits.refresh_grace);
        let generation = match presentation {
            Presentation::Ended => return Err(AuthenticationError::RefreshTokenInvalid.into()),
            Presentation::Reused => return Err(self.end_stolen(transaction, &session).await),
            Presentation::Repeat { successor } => successor,
            Presentation::Rotate => session.generation.saturating_add(1),
        };
        if !user.is_active {
            return Err(AuthenticationError::AccountInactive.into());
        }
        let own = open_or_first(transaction.own_memberships(), session.organization_id).await?;
        let mut session = session;
        if presentation == Presentation::Rotate {
            let seen = session.generation;
            session = session.rotated(now, limits.refresh_token, limits.refresh_grace);
            session.organization_id = own.organization.id;
            if !transaction.sessions().rotate(&session, seen).await? {
                return Ok(None);
            }
            transaction.commit().await?;
        }
        let tokens = self.tokens.issue(&session, generation, &user, &own.membership, now);
        Ok(Some(SignedInUser { user, own, tokens }))
    }

    /// Ends a session whose refresh token somebody else has.
    async fn end_stolen(&self, mut transaction: Box<dyn SignInTransaction>, session: &Session) -> SignInError {
        let now = self.clock.now();
        let revocations = [self.accounts.session_revocation(session.user_id, session.id, now)];
        let ended = async {
            transaction.sessions().revoke(session.id, now).await?;
            transaction.revocations().insert(&revocations).await?;
            transaction.commit().await
        };
        match ended.await {
            Ok(()) => {
                self.revocations.apply(&revocations);
                tracing::warn!(session_id = %session.id, user_id = %session.user_id, "refresh token reused, session ended");
                AuthenticationError::RefreshTokenReused.into()
            }
            Err(error) => error.into(),
        }
    }
}

/// The account, if it still is what the password was checked against: hashing takes long enough for somebody to change
/// the password, or to deactivate or delete the account.
async fn still_as_proved(
    transaction: &mut dyn SignInTransaction,
    signed_in: &SignedIn,
) -> Result<User, AuthenticationError> {
    let user = transaction.users().find(signed_in.user_id).await?.filter(|user| user.deleted_at.is_none());
    let user = user.ok_or(AuthenticationError::InvalidCredentials)?;
    if transaction.credentials().find(user.id).await?.as_ref() != Some(&signed_in.hash) {
        return Err(AuthenticationError::InvalidCredentials);
    }
    if user.is_active { Ok(user) } else { Err(AuthenticationError::AccountInactive) }
}

/// The oldest membership that is open.
async fn first_open(memberships: &mut dyn OwnMembershipRepository) -> Result<OwnMembership, SignInError> {
    let own = memberships.list().await?;
    let open = own.into_iter().find(OwnMembership::is_open);
    Ok(open.ok_or(AuthenticationError::AccountInactive)?)
}

/// The membership in `id` if it is open, else the oldest that is.
async fn open_or_first(
    memberships: &mut dyn OwnMembershipRepository,
    id: OrganizationId,
) -> Result<OwnMembership, SignInError> {
    match memberships.find(id).await? {
        Some(own) if own.is_open() => Ok(own),
        _ => first_open(memberships).await,
    }
}
