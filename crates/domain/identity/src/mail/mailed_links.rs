use std::sync::Arc;

use chrono::{DateTime, Utc};
use tenantry_kernel::{Clock, Revision, Store};

use crate::{
    Accounts, Actor, AuditAction, Client, Email, IdentityError, LinkPurpose, LinkToken, MailedLink, Password,
    PasswordGate, PasswordOwner, Postbox, User,
    ports::{IdentityTransaction, LinkLookup},
};

/// What people do with links that reach them by mail: prove their address, and choose a new password.
///
/// Whoever asks for a link learns nothing: the same mail goes into the outbox whether or not the address has an account,
/// and only the worker that sends it finds out.
pub struct MailedLinks {
    store: Arc<dyn Store<Actor, dyn IdentityTransaction>>,
    lookup: Arc<dyn LinkLookup>,
    accounts: Arc<Accounts>,
    passwords: Arc<PasswordGate>,
    postbox: Arc<Postbox>,
    clock: Arc<dyn Clock>,
}

impl MailedLinks {
    /// The use cases over these ports.
    #[must_use]
    pub fn new(
        store: Arc<dyn Store<Actor, dyn IdentityTransaction>>,
        lookup: Arc<dyn LinkLookup>,
        accounts: Arc<Accounts>,
        passwords: Arc<PasswordGate>,
        postbox: Arc<Postbox>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { store, lookup, accounts, passwords, postbox, clock }
    }

    /// Mails a link for `purpose`, if the address has an account that can use it.
    ///
    /// # Errors
    /// [`IdentityError::Storage`].
    pub async fn request(&self, email: &Email, purpose: LinkPurpose) -> Result<(), IdentityError> {
        let mail = self.postbox.link(email, purpose);
        let mut transaction = self.store.begin(&Actor::anonymous()).await?;
        transaction.outbox().insert(&mail).await?;
        Ok(transaction.commit().await?)
    }

    /// Notes that whoever has the token can read the account's mail.
    ///
    /// # Errors
    /// [`IdentityError::LinkInvalid`].
    pub async fn verify_email(&self, token: &LinkToken, client: Client) -> Result<(), IdentityError> {
        let (found, link) = self.find(LinkPurpose::VerifyEmail, token).await?;
        let actor = Actor::user(found.id).at(Arc::new(client));
        let now = self.clock.now();
        let mut transaction = self.store.begin(&actor).await?;
        let stored = self.use_up(transaction.as_mut(), &link, now).await?;
        let seen = stored.revision;
        let user = stored.verified(now);
        update(transaction.as_mut(), &user, seen).await?;
        transaction
            .audit()
            .append(&self.accounts.own_act(&actor, AuditAction::USER_EMAIL_VERIFY, user.id, now))
            .await?;
        Ok(transaction.commit().await?)
    }

    /// Gives the account of whoever has the token a new password, and ends all its sessions. The address is proved by
    /// that as well, and wrong guesses at the password are forgotten. The second factor stays.
    ///
    /// # Errors
    /// [`IdentityError::LinkInvalid`]; [`IdentityError::Weak`], and the link stays good then; `Hashing`.
    pub async fn reset_password(
        &self,
        token: &LinkToken,
        password: &Password,
        client: Client,
    ) -> Result<(), IdentityError> {
        let (found, link) = self.find(LinkPurpose::ResetPassword, token).await?;
        let owner =
            PasswordOwner { email: &found.email, username: &found.username, full_name: found.full_name.as_ref() };
        let hash = self.passwords.admit(password, &owner).await?;
        // Before the link is used up, so that it stays good if this fails.
        self.passwords.guard().clear(found.id).await?;

        let actor = Actor::user(found.id).at(Arc::new(client));
        let now = self.clock.now();
        let mut transaction = self.store.begin(&actor).await?;
        let stored = self.use_up(transaction.as_mut(), &link, now).await?;
        let seen = stored.revision;
        let user = stored.with_proved_email(now).with_own_password().signed_out_everywhere(now);
        transaction.credentials().update(user.id, &hash, now).await?;
        transaction.sessions().revoke_all(None, now).await?;
        let revocations = [self.accounts.user_revocation(&user, now)];
        transaction.revocations().insert(&revocations).await?;
        update(transaction.as_mut(), &user, seen).await?;
        transaction.outbox().insert(&self.accounts.password_notice(&actor, &user, now)).await?;
        transaction
            .audit()
            .append(&self.accounts.own_act(&actor, AuditAction::USER_PASSWORD_RESET, user.id, now))
            .await?;
        transaction.commit().await?;
        self.accounts.apply(&revocations);
        Ok(())
    }

    /// The link of this token, if it looks good, with its account.
    async fn find(&self, purpose: LinkPurpose, token: &LinkToken) -> Result<(User, MailedLink), IdentityError> {
        let found = self.lookup.find(purpose, &self.postbox.digest(token)).await?;
        let now = self.clock.now();
        found.filter(|(user, link)| link.is_good_for(user, now)).ok_or(IdentityError::LinkInvalid)
    }

    /// Uses the link up, if it is still good for its account, which is locked by that.
    async fn use_up(
        &self,
        transaction: &mut dyn IdentityTransaction,
        link: &MailedLink,
        now: DateTime<Utc>,
    ) -> Result<User, IdentityError> {
        let user = transaction.users().find(link.user_id).await?.filter(|user| link.is_good_for(user, now));
        let user = user.ok_or(IdentityError::LinkInvalid)?;
        if transaction.links().use_up(user.id, link.purpose, &link.digest, now).await? {
            Ok(user)
        } else {
            Err(IdentityError::LinkInvalid)
        }
    }
}

/// Stores the account, which was locked since it was found.
async fn update(transaction: &mut dyn IdentityTransaction, user: &User, seen: Revision) -> Result<(), IdentityError> {
    if transaction.users().update(user, seen).await? { Ok(()) } else { Err(IdentityError::RevisionMismatch) }
}
