use std::sync::Arc;

use tenantry_identity::{
    Accounts, Actor, AuditAction, AuditEntry, AuditOutcome, AuditTarget, AuthenticationError, Authenticator, Client,
    DeviceId, LoginAttempt, MfaChallenge, Presentation, RefreshClaims, SecondFactorAnswer, SecondFactors, Session,
    SignedIn, User,
};
use tenantry_kernel::{Clock, IdGenerator, OrganizationId, StorageError, Store};
use tenantry_tenancy::{
    Foundation, InsertOrganizationError, NewOrganization, OwnMembership, TenantContext, ports::OwnMembershipRepository,
};

use crate::{SignInError, TokenIssuer, TokenPair, ports::SignInTransaction, sign_up::personal_name};

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

/// Somebody who has just signed in with a password.
#[derive(Debug)]
pub struct Login {
    /// Who, and where.
    pub signed_in: SignedInUser,
    /// What makes this device a known one at the next sign-in.
    pub device_token: String,
}

/// What a right password leads to.
#[derive(Debug)]
pub enum SignInStep {
    /// Nothing more is asked.
    SignedIn(Box<Login>),
    /// The account has a second factor, which is asked for.
    SecondFactorDue(MfaChallenge),
}

/// Signing in by password, and staying signed in by refresh token.
pub struct SignIn {
    authenticator: Arc<Authenticator>,
    accounts: Arc<Accounts>,
    second_factors: Arc<SecondFactors>,
    store: Arc<dyn Store<Actor, dyn SignInTransaction>>,
    tokens: Arc<TokenIssuer>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdGenerator>,
    requires_verified_email: bool,
}

impl SignIn {
    /// How often a refresh is tried again when another one of the same session was faster.
    const REFRESH_TRIES: usize = 5;

    /// The use case over these ports.
    #[must_use]
    pub fn new(
        authenticator: Arc<Authenticator>,
        accounts: Arc<Accounts>,
        second_factors: Arc<SecondFactors>,
        store: Arc<dyn Store<Actor, dyn SignInTransaction>>,
        tokens: Arc<TokenIssuer>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdGenerator>,
    ) -> Self {
        Self { authenticator, accounts, second_factors, store, tokens, clock, ids, requires_verified_email: false }
    }

    /// The use case that also refuses accounts whose address is not verified, where `required` says so. Administrators of
    /// the platform are exempt: whoever runs the service made them.
    #[must_use]
    pub fn requiring_verified_email(self, required: bool) -> Self {
        Self { requires_verified_email: required, ..self }
    }

    /// Opens a session for whoever knows the password, or asks for the second factor of an account that has one.
    ///
    /// # Errors
    /// [`AuthenticationError::InvalidCredentials`]; only after the right password [`AuthenticationError::AccountInactive`],
    /// also when no organisation is open to the account, and [`AuthenticationError::EmailNotVerified`].
    pub async fn by_password(&self, attempt: LoginAttempt<'_>) -> Result<SignInStep, SignInError> {
        let client = Arc::new(attempt.client.clone());
        let signed_in = match self.authenticator.by_password(attempt).await {
            Ok(signed_in) => signed_in,
            Err(error) => return Err(self.note_failure(Some(&client), error).await?),
        };
        let new_hash = self.authenticator.rehash(&signed_in, attempt.password).await?;

        let actor = signed_in.actor.clone().at(client);
        let mut transaction = self.store.begin(&actor).await?;
        let user = still_as_proved(transaction.as_mut(), &signed_in).await?;
        if let Err(error) = self.admit(&user) {
            drop(transaction);
            return Err(self.note_failure(actor.client(), error).await?);
        }
        if let Some(hash) = &new_hash {
            transaction.credentials().update(user.id, hash, self.clock.now()).await?;
        }
        let totp = transaction.second_factors().find(user.id).await?;
        if totp.is_some_and(|totp| totp.confirmed_at.is_some()) {
            transaction.commit().await?;
            let hash = new_hash.unwrap_or(signed_in.hash);
            return Ok(SignInStep::SecondFactorDue(self.second_factors.challenge(&user, &hash)));
        }
        let login = self.open_session(transaction, &actor, user, signed_in.device).await?;
        Ok(SignInStep::SignedIn(Box::new(login)))
    }

    /// Opens a session for whoever gave the right password before, and now the second factor as well.
    ///
    /// # Errors
    /// [`AuthenticationError::Token`]; [`AuthenticationError::InvalidCredentials`] for a wrong answer, and when the
    /// password was changed meanwhile; [`AuthenticationError::AccountInactive`].
    pub async fn by_second_factor(
        &self,
        token: &str,
        answer: &SecondFactorAnswer,
        client: Client,
        device_token: Option<&str>,
    ) -> Result<Login, SignInError> {
        let (actor, claims) = self.second_factors.by_token(token)?;
        let device = device_token.and_then(|token| self.authenticator.known_device(claims.user_id, token));
        let actor = actor.at(Arc::new(client));
        let proof = match self.second_factors.check(&actor, answer).await {
            Ok(proof) => proof,
            Err(error) => return Err(self.note_failure(actor.client(), error).await?),
        };

        let mut transaction = self.store.begin(&actor).await?;
        let user = transaction.users().find(claims.user_id).await?;
        let hash = transaction.credentials().find(claims.user_id).await?;
        let current = user.zip(hash).filter(|(user, hash)| self.second_factors.is_current(&claims, user, hash));
        let (user, _) = current.ok_or(AuthenticationError::InvalidCredentials)?;
        if !user.is_active {
            return Err(AuthenticationError::AccountInactive.into());
        }
        if !proof.use_up(transaction.second_factors(), self.clock.now()).await? {
            return Err(AuthenticationError::InvalidCredentials.into());
        }
        self.open_session(transaction, &actor, user, device).await
    }

    /// The last step of signing in, with which its transaction ends.
    async fn open_session(
        &self,
        mut transaction: Box<dyn SignInTransaction>,
        actor: &Actor,
        mut user: User,
        device: Option<DeviceId>,
    ) -> Result<Login, SignInError> {
        let now = self.clock.now();
        let own = match transaction.own_memberships().list().await? {
            none if none.is_empty() => self.found_personal(transaction.as_mut(), actor, &user).await?,
            some => open_one(some)?,
        };
        let session =
            self.tokens.open_session(user.id, own.organization.id, actor.client().cloned().unwrap_or_default(), now);
        transaction.sessions().insert(&session).await?;
        transaction.users().record_login(user.id, now).await?;
        let entry = AuditEntry::success(&*self.ids, now, actor, AuditAction::USER_LOGIN);
        let entry = entry.within(own.organization.id).about(AuditTarget::one("user", user.id));
        transaction.audit().append(&entry).await?;
        if device.is_none() && !user.has_never_signed_in() {
            transaction.outbox().insert(&self.accounts.device_notice(actor, &user, now)).await?;
        }
        transaction.commit().await?;

        user.last_login_at = Some(now);
        let tokens = self.tokens.issue(&session, session.generation, &user, &own.membership, now);
        let device_token = self.authenticator.mark_device(user.id, device);
        Ok(Login { signed_in: SignedInUser { user, own, tokens }, device_token })
    }

    /// A personal organisation for somebody who belongs to none any more, so that nobody is shut out of their own account:
    /// they may still be invited, take along what is kept about them, or delete it.
    async fn found_personal(
        &self,
        transaction: &mut dyn SignInTransaction,
        actor: &Actor,
        user: &User,
    ) -> Result<OwnMembership, SignInError> {
        let now = self.clock.now();
        let new = NewOrganization::named(personal_name(user));
        let founded = TenantContext::found(actor.clone(), new, now, &*self.ids);
        let Foundation { mut organization, membership, context } =
            founded.or(Err(AuthenticationError::AccountInactive))?;
        // Another one may have the name already.
        let random = self.ids.next_id().simple().to_string();
        organization.slug = organization.slug.with_suffix(random.get(24..).unwrap_or_default());
        transaction.own_memberships().found(&organization, &membership).await.map_err(|error| match error {
            InsertOrganizationError::Storage(error) => error,
            taken @ InsertOrganizationError::SlugTaken => StorageError::Serialization(taken.into()),
        })?;
        let entry = context.audit_entry(&*self.ids, now, AuditAction::ORGANIZATION_CREATE);
        transaction.audit().append(&entry.about(AuditTarget::one("organization", organization.id))).await?;
        Ok(OwnMembership { organization, membership })
    }

    /// Whether the account may be used at all.
    fn admit(&self, user: &User) -> Result<(), AuthenticationError> {
        let is_missing = user.email_verified_at.is_none() && !user.is_platform_admin;
        if self.requires_verified_email && is_missing { Err(AuthenticationError::EmailNotVerified) } else { Ok(()) }
    }

    /// Tells the audit log of a refused sign-in, and gives the refusal back. What was no refusal is not told.
    async fn note_failure(
        &self,
        client: Option<&Client>,
        error: AuthenticationError,
    ) -> Result<SignInError, SignInError> {
        let reason = match error {
            AuthenticationError::InvalidCredentials => "invalid_credentials",
            AuthenticationError::AccountInactive => "account_inactive",
            AuthenticationError::EmailNotVerified => "email_not_verified",
            other => return Ok(other.into()),
        };
        let actor = Actor::anonymous().at(Arc::new(client.cloned().unwrap_or_default()));
        let entry = AuditEntry::success(&*self.ids, self.clock.now(), &actor, AuditAction::USER_LOGIN);
        let entry = entry.ending(AuditOutcome::Failure).with("reason", reason);
        let mut transaction = self.store.begin(&actor).await?;
        transaction.audit().append(&entry).await?;
        transaction.commit().await?;
        Ok(error.into())
    }

    /// Exchanges a refresh token for the next pair of tokens. A retry gets the same refresh token again; a token that
    /// was replaced too long ago ends its session.
    ///
    /// # Errors
    /// [`AuthenticationError::RefreshTokenInvalid`], [`AuthenticationError::RefreshTokenReused`];
    /// [`AuthenticationError::AccountInactive`] when no organisation is open to the account any more;
    /// [`AuthenticationError::EmailNotVerified`].
    pub async fn refresh(&self, token: &str, client: Client) -> Result<SignedInUser, SignInError> {
        let (actor, claims) = self.authenticator.by_refresh_token(token)?;
        let actor = actor.at(Arc::new(client));
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
            Presentation::Reused => return Err(self.end_stolen(transaction, actor, &session).await),
            Presentation::Repeat { successor } => successor,
            Presentation::Rotate => session.generation.saturating_add(1),
        };
        if !user.is_active {
            return Err(AuthenticationError::AccountInactive.into());
        }
        self.admit(&user)?;
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
    async fn end_stolen(
        &self,
        mut transaction: Box<dyn SignInTransaction>,
        actor: &Actor,
        session: &Session,
    ) -> SignInError {
        let now = self.clock.now();
        let revocations = [self.accounts.session_revocation(session.user_id, session.id, now)];
        let entry = AuditEntry::success(&*self.ids, now, actor, AuditAction::SESSION_REUSE);
        let entry = entry.ending(AuditOutcome::Denied).about(AuditTarget::one("session", session.id));
        let ended = async {
            transaction.sessions().revoke(session.id, now).await?;
            transaction.revocations().insert(&revocations).await?;
            transaction.audit().append(&entry).await?;
            transaction.commit().await
        };
        match ended.await {
            Ok(()) => {
                self.accounts.apply(&revocations);
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
fn open_one(own: Vec<OwnMembership>) -> Result<OwnMembership, AuthenticationError> {
    own.into_iter().find(OwnMembership::is_open).ok_or(AuthenticationError::AccountInactive)
}

/// The membership in `id` if it is open, else the oldest that is.
async fn open_or_first(
    memberships: &mut dyn OwnMembershipRepository,
    id: OrganizationId,
) -> Result<OwnMembership, SignInError> {
    match memberships.find(id).await? {
        Some(own) if own.is_open() => Ok(own),
        _ => Ok(open_one(memberships.list().await?)?),
    }
}
