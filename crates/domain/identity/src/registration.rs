use std::sync::Arc;

use chrono::{DateTime, Utc};
use tenantry_kernel::{Clock, IdGenerator, Revision, UserId};

use crate::{
    Actor, Email, FullName, Password, PasswordHash, PasswordOwner, PasswordPolicy, User, Username, WeakPassword,
    ports::{HashingError, PasswordHasher},
};

/// What somebody gives to get an account.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// Where mail reaches them.
    pub email: Email,
    /// The name to sign in with; made from the e-mail address where absent.
    pub username: Option<Username>,
    /// Their name.
    pub full_name: Option<FullName>,
    /// The password.
    pub password: Password,
    /// Whether the account administers the platform.
    pub is_platform_admin: bool,
    /// Whether the password is a one-time password.
    pub must_change_password: bool,
}

/// An account from elsewhere.
#[derive(Debug, Clone)]
pub struct ImportedAccount {
    /// Where mail reaches the person.
    pub email: Email,
    /// The name to sign in with; made from the e-mail address where absent.
    pub username: Option<Username>,
    /// Their name.
    pub full_name: Option<FullName>,
    /// Their password as it was hashed there.
    pub password_hash: PasswordHash,
    /// Whether it is known that the address is theirs.
    pub is_email_verified: bool,
    /// When the account was made there.
    pub created_at: Option<DateTime<Utc>>,
}

/// An account from elsewhere can't be taken over. The message names the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AdoptionError {
    /// No attempt would ever be compared with the hash.
    #[error("password_hash is malformed, of an unknown scheme, or too expensive")]
    UnsupportedHash,
    /// The account would be made later.
    #[error("created_at must not be in the future")]
    InFuture,
}

/// An account that is ready to be stored, and who acts when it is.
#[derive(Debug)]
pub struct Registered {
    /// The account.
    pub user: User,
    /// Its password's hash.
    pub password_hash: PasswordHash,
    /// The new user.
    pub actor: Actor,
}

/// An account could not be prepared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RegistrationError {
    /// The password is too easy to guess.
    #[error("the password {0}")]
    Weak(#[from] WeakPassword),
    /// The password could not be hashed.
    #[error(transparent)]
    Hashing(#[from] HashingError),
}

/// Prepares accounts: everything about signing up that needs no store.
pub struct Registration {
    hasher: Arc<dyn PasswordHasher>,
    policy: PasswordPolicy,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdGenerator>,
}

impl Registration {
    /// Accounts with passwords that satisfy `policy`.
    #[must_use]
    pub fn new(
        hasher: Arc<dyn PasswordHasher>,
        policy: PasswordPolicy,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdGenerator>,
    ) -> Self {
        Self { hasher, policy, clock, ids }
    }

    /// Checks and hashes the password and builds the account.
    ///
    /// # Errors
    /// [`RegistrationError`].
    pub async fn prepare(&self, account: NewAccount) -> Result<Registered, RegistrationError> {
        self.prepare_as(UserId::generate(&*self.ids), account).await
    }

    /// The same under an id that was reserved for a request that may be repeated.
    ///
    /// # Errors
    /// [`RegistrationError`].
    pub async fn prepare_as(&self, id: UserId, account: NewAccount) -> Result<Registered, RegistrationError> {
        let username = account.username.unwrap_or_else(|| self.username_for(&account.email));
        let owner = PasswordOwner { email: &account.email, username: &username, full_name: account.full_name.as_ref() };
        self.policy.check(&account.password, &owner).await?;
        let password_hash = self.hasher.hash(&account.password).await?;
        let user = User {
            full_name: account.full_name,
            is_platform_admin: account.is_platform_admin,
            must_change_password: account.must_change_password,
            ..self.user(id, account.email, username)
        };
        Ok(Registered { user, password_hash, actor: Actor::user(id) })
    }

    /// Builds an account from elsewhere. Its password was chosen under other rules, and is kept.
    ///
    /// # Errors
    /// [`AdoptionError`].
    pub fn adopt(&self, account: ImportedAccount) -> Result<Registered, AdoptionError> {
        if !self.hasher.is_supported(&account.password_hash) {
            return Err(AdoptionError::UnsupportedHash);
        }
        let id = UserId::generate(&*self.ids);
        let username = account.username.unwrap_or_else(|| self.username_for(&account.email));
        let user = self.user(id, account.email, username);
        if account.created_at.is_some_and(|created_at| user.created_at < created_at) {
            return Err(AdoptionError::InFuture);
        }
        let user = User {
            full_name: account.full_name,
            email_verified_at: account.is_email_verified.then_some(user.created_at),
            created_at: account.created_at.unwrap_or(user.created_at),
            ..user
        };
        Ok(Registered { user, password_hash: account.password_hash, actor: Actor::user(id) })
    }

    /// An account of these names, and nothing else yet.
    fn user(&self, id: UserId, email: Email, username: Username) -> User {
        let now = self.clock.now();
        User {
            id,
            email,
            username,
            full_name: None,
            is_active: true,
            is_platform_admin: false,
            must_change_password: false,
            email_verified_at: None,
            epoch: 0,
            last_login_at: None,
            created_at: now,
            updated_at: now,
            deleted_at: None,
            revision: Revision::FIRST,
        }
    }

    /// A username that is free but for a chance of one in 2^40: the random end of a `UUIDv7` tells it from others.
    fn username_for(&self, email: &Email) -> Username {
        let random = self.ids.next_id().simple().to_string();
        Username::from_email(email, random.get(22..).unwrap_or_default())
    }
}
