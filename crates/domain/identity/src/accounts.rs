use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};
use tenantry_kernel::{Clock, IdGenerator, OrganizationId, Precondition, Store, UserId};

use crate::{
    Actor, AuditAction, AuditEntry, AuditTarget, FullName, GuessKind, GuessSubject, GuessTarget, IdentityError,
    LinkPurpose, Mail, OutgoingMail, Password, PasswordAttempt, PasswordGate, PasswordHash, PasswordOwner, Postbox,
    Principal, Revocation, RevocationId, RevocationList, RevokedSubject, Session, SessionId, User, Username,
    WeakPassword,
    ports::{IdentityTransaction, Verification},
};

/// A change of one's own profile; what is `None` stays as it is.
#[derive(Debug, Default)]
pub struct ProfileChange {
    /// The new name; `Some(None)` removes it.
    pub full_name: Option<Option<FullName>>,
    /// The new username.
    pub username: Option<Username>,
    /// The new password.
    pub password: Option<PasswordChange>,
}

/// A change of one's own password.
#[derive(Debug)]
pub struct PasswordChange {
    /// The password so far.
    pub current: PasswordAttempt,
    /// The password from now on.
    pub new: Password,
}

/// Which of one's sessions to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogoutScope {
    /// All of them.
    Global,
    /// The one that asks.
    Local,
    /// All but the one that asks.
    Others,
}

/// What people do with their own account: profile, password, sessions.
pub struct Accounts {
    store: Arc<dyn Store<Actor, dyn IdentityTransaction>>,
    passwords: Arc<PasswordGate>,
    postbox: Arc<Postbox>,
    revocations: Arc<RevocationList>,
    access_token_lifetime: Duration,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdGenerator>,
}

impl Accounts {
    /// The use cases over these ports. `access_token_lifetime` tells how long a revocation matters.
    #[must_use]
    pub fn new(
        store: Arc<dyn Store<Actor, dyn IdentityTransaction>>,
        passwords: Arc<PasswordGate>,
        postbox: Arc<Postbox>,
        revocations: Arc<RevocationList>,
        access_token_lifetime: Duration,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdGenerator>,
    ) -> Self {
        Self { store, passwords, postbox, revocations, access_token_lifetime, clock, ids }
    }

    /// The actor's own account.
    ///
    /// # Errors
    /// [`IdentityError::NotFound`] once it is deleted.
    pub async fn find_own(&self, actor: &Actor) -> Result<User, IdentityError> {
        let mut transaction = self.store.read(actor).await?;
        own_user(transaction.as_mut(), actor).await
    }

    /// Changes the actor's own account. A new password ends all sessions but the one that asks, and is told by mail.
    ///
    /// # Errors
    /// `RevisionMismatch` when `precondition` does not allow the stored revision; `WrongPassword`, `Weak`, `Taken`.
    pub async fn change_own(
        &self,
        principal: &Principal,
        change: ProfileChange,
        precondition: &Precondition,
    ) -> Result<User, IdentityError> {
        let actor = principal.actor();
        let replacement = match &change.password {
            Some(password) => Some(self.hash_replacement(&actor, &change, password).await?),
            None => None,
        };
        let now = self.clock.now();
        let mut transaction = self.store.begin(&actor).await?;
        let stored = own_user(transaction.as_mut(), &actor).await?;
        if !precondition.allows(stored.revision) {
            return Err(IdentityError::RevisionMismatch);
        }
        let seen = stored.revision;
        let mut user = stored.with_profile(change.full_name, change.username, now);
        let mut revocations = Vec::new();
        if let Some((confirmed, hash)) = replacement {
            confirmed.check(transaction.as_mut()).await?;
            user = user.with_own_password();
            transaction.credentials().update(user.id, &hash, now).await?;
            let ended = transaction.sessions().revoke_all(Some(principal.session_id()), now).await?;
            revocations = ended.into_iter().map(|id| self.session_revocation(user.id, id, now)).collect();
            transaction.revocations().insert(&revocations).await?;
            transaction.links().delete(user.id, LinkPurpose::ResetPassword).await?;
            transaction.outbox().insert(&self.password_notice(&actor, &user, now)).await?;
        }
        if !transaction.users().update(&user, seen).await? {
            return Err(IdentityError::RevisionMismatch);
        }
        let done = if change.password.is_some() { AuditAction::USER_PASSWORD_CHANGE } else { AuditAction::USER_UPDATE };
        transaction
            .audit()
            .append(&self.own_act(&actor, done, user.id, now).within(principal.organization_id()))
            .await?;
        transaction.commit().await?;
        self.revocations.apply(&revocations);
        Ok(user)
    }

    /// Checks the current password and hashes the new one, outside any transaction.
    async fn hash_replacement(
        &self,
        actor: &Actor,
        change: &ProfileChange,
        password: &PasswordChange,
    ) -> Result<(ConfirmedPassword, PasswordHash), IdentityError> {
        let confirmed = self.confirm(actor, &password.current).await?;
        if password.new.expose() == password.current.expose() {
            return Err(WeakPassword::Unchanged.into());
        }
        let user = &confirmed.user;
        let owner = PasswordOwner {
            email: &user.email,
            username: change.username.as_ref().unwrap_or(&user.username),
            full_name: change.full_name.as_ref().unwrap_or(&user.full_name).as_ref(),
        };
        let hash = self.passwords.admit(&password.new, &owner).await?;
        Ok((confirmed, hash))
    }

    /// Checks that `attempt` is the actor's own password. Too many wrong ones make the next ones wrong as well; they are
    /// counted apart from those that somebody tries to sign in with.
    ///
    /// # Errors
    /// `WrongPassword`, `NotFound`.
    pub async fn confirm(&self, actor: &Actor, attempt: &PasswordAttempt) -> Result<ConfirmedPassword, IdentityError> {
        let mut transaction = self.store.read(actor).await?;
        let user = own_user(transaction.as_mut(), actor).await?;
        let hash = transaction.credentials().find(user.id).await?;
        drop(transaction);
        let target = GuessTarget::at(GuessKind::Confirmation, GuessSubject::Account(user.id));
        match (self.passwords.verify(&target, attempt, hash.as_ref()).await?, hash) {
            (Verification::Match | Verification::MatchRehash, Some(hash)) => Ok(ConfirmedPassword { user, hash }),
            _ => Err(IdentityError::WrongPassword),
        }
    }

    /// The actor's live sessions, the newest first.
    ///
    /// # Errors
    /// [`IdentityError::Storage`].
    pub async fn list_sessions(&self, actor: &Actor) -> Result<Vec<Session>, IdentityError> {
        let mut transaction = self.store.read(actor).await?;
        Ok(transaction.sessions().list_live(self.clock.now()).await?)
    }

    /// Ends one of the actor's own sessions.
    ///
    /// # Errors
    /// [`IdentityError::NotFound`] when it is not a live session of the actor.
    pub async fn revoke_session(&self, actor: &Actor, id: SessionId) -> Result<(), IdentityError> {
        let owner = actor.user_id().ok_or(IdentityError::NotFound)?;
        let now = self.clock.now();
        let mut transaction = self.store.begin(actor).await?;
        if !transaction.sessions().revoke(id, now).await? {
            return Err(IdentityError::NotFound);
        }
        let revocations = [self.session_revocation(owner, id, now)];
        transaction.revocations().insert(&revocations).await?;
        let entry = AuditEntry::success(&*self.ids, now, actor, AuditAction::SESSION_REVOKE);
        transaction.audit().append(&entry.about(AuditTarget::one("session", id))).await?;
        transaction.commit().await?;
        self.revocations.apply(&revocations);
        Ok(())
    }

    /// Ends the actor's sessions in `scope`. Ending what has ended already is no error.
    ///
    /// # Errors
    /// [`IdentityError::Storage`].
    pub async fn logout(&self, principal: &Principal, scope: LogoutScope) -> Result<(), IdentityError> {
        let actor = principal.actor();
        match scope {
            LogoutScope::Local => match self.revoke_session(&actor, principal.session_id()).await {
                Ok(()) | Err(IdentityError::NotFound) => Ok(()),
                Err(error) => Err(error),
            },
            LogoutScope::Others => self.logout_others(principal).await,
            LogoutScope::Global => self.logout_everywhere(&actor).await,
        }
    }

    async fn logout_others(&self, principal: &Principal) -> Result<(), IdentityError> {
        let now = self.clock.now();
        let (actor, user_id) = (principal.actor(), principal.user_id());
        let mut transaction = self.store.begin(&actor).await?;
        let ended = transaction.sessions().revoke_all(Some(principal.session_id()), now).await?;
        let revocations: Vec<_> = ended.into_iter().map(|id| self.session_revocation(user_id, id, now)).collect();
        transaction.revocations().insert(&revocations).await?;
        let entry = self.own_act(&actor, AuditAction::USER_LOGOUT, user_id, now).with("scope", "others");
        transaction.audit().append(&entry).await?;
        transaction.commit().await?;
        self.revocations.apply(&revocations);
        Ok(())
    }

    async fn logout_everywhere(&self, actor: &Actor) -> Result<(), IdentityError> {
        let now = self.clock.now();
        let mut transaction = self.store.begin(actor).await?;
        let stored = own_user(transaction.as_mut(), actor).await?;
        let seen = stored.revision;
        let user = stored.signed_out_everywhere(now);
        transaction.sessions().revoke_all(None, now).await?;
        let revocations = [self.user_revocation(&user, now)];
        transaction.revocations().insert(&revocations).await?;
        if !transaction.users().update(&user, seen).await? {
            return Err(IdentityError::RevisionMismatch);
        }
        let entry = self.own_act(actor, AuditAction::USER_LOGOUT, user.id, now).with("scope", "global");
        transaction.audit().append(&entry).await?;
        transaction.commit().await?;
        self.revocations.apply(&revocations);
        Ok(())
    }

    /// The mail that tells `user` of a new password.
    #[must_use]
    pub fn password_notice(&self, actor: &Actor, user: &User, now: DateTime<Utc>) -> OutgoingMail {
        let ip_address = actor.client().and_then(|client| client.ip_address.clone());
        self.postbox.seal(&user.email, Mail::PasswordChanged { at: now, ip_address })
    }

    /// The mail that tells `user` of a sign-in from a device that is not known.
    #[must_use]
    pub fn device_notice(&self, actor: &Actor, user: &User, now: DateTime<Utc>) -> OutgoingMail {
        let client = actor.client().cloned().unwrap_or_default();
        let (ip_address, user_agent) = (client.ip_address, client.user_agent);
        self.postbox.seal(&user.email, Mail::NewDevice { at: now, ip_address, user_agent })
    }

    /// That the actor did something to their own account.
    pub(crate) fn own_act(&self, actor: &Actor, action: AuditAction, id: UserId, now: DateTime<Utc>) -> AuditEntry {
        AuditEntry::success(&*self.ids, now, actor, action).about(AuditTarget::one("user", id))
    }

    /// The revocation of every access token that `user` had before the account's epoch grew.
    #[must_use]
    pub fn user_revocation(&self, user: &User, now: DateTime<Utc>) -> Revocation {
        self.revocation(user.id, RevokedSubject::User(user.id), user.epoch, now)
    }

    /// The revocation of every access token of one session.
    #[must_use]
    pub fn session_revocation(&self, owner: UserId, id: SessionId, now: DateTime<Utc>) -> Revocation {
        self.revocation(owner, RevokedSubject::Session(id), 0, now)
    }

    /// The revocation of every access token that the user had for the organisation before the membership's epoch grew to
    /// `epoch`.
    #[must_use]
    pub fn membership_revocation(
        &self,
        organization_id: OrganizationId,
        user_id: UserId,
        epoch: i64,
        now: DateTime<Utc>,
    ) -> Revocation {
        self.revocation(user_id, RevokedSubject::Membership(organization_id, user_id), epoch, now)
    }

    /// Lets revocations that were stored take effect in this process at once.
    pub fn apply(&self, revocations: &[Revocation]) {
        self.revocations.apply(revocations);
    }

    fn revocation(&self, user_id: UserId, subject: RevokedSubject, epoch: i64, now: DateTime<Utc>) -> Revocation {
        Revocation {
            id: RevocationId::generate(&*self.ids),
            user_id,
            subject,
            epoch,
            occurred_at: now,
            expires_at: now + self.access_token_lifetime,
        }
    }
}

/// That somebody knows the password of their account, for as long as it stays the same.
#[derive(Debug)]
pub struct ConfirmedPassword {
    user: User,
    hash: PasswordHash,
}

impl ConfirmedPassword {
    /// Checks, within the transaction that relies on it, that the password was not changed since.
    ///
    /// # Errors
    /// [`IdentityError::WrongPassword`].
    pub async fn check<T>(&self, transaction: &mut T) -> Result<(), IdentityError>
    where
        T: IdentityTransaction + ?Sized,
    {
        let stored = transaction.credentials().find(self.user.id).await?;
        if stored.as_ref() == Some(&self.hash) { Ok(()) } else { Err(IdentityError::WrongPassword) }
    }
}

/// The account of the transaction's actor.
async fn own_user(transaction: &mut dyn IdentityTransaction, actor: &Actor) -> Result<User, IdentityError> {
    let id = actor.user_id().ok_or(IdentityError::NotFound)?;
    let user = transaction.users().find(id).await?.ok_or(IdentityError::NotFound)?;
    if user.deleted_at.is_some() { Err(IdentityError::NotFound) } else { Ok(user) }
}
