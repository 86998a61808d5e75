use std::sync::Arc;

use tenantry_kernel::{Clock, IdGenerator, Revision, UserId};

use crate::{
    Actor, Email, FullName, Password, PasswordHash, PasswordPolicy, User, Username, WeakPassword,
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
        let id = UserId::generate(&*self.ids);
        let username = account.username.unwrap_or_else(|| self.username_for(&account.email));
        self.policy.check(&account.password, account.email.as_str(), username.as_str())?;
        let password_hash = self.hasher.hash(&account.password).await?;
        let now = self.clock.now();
        let user = User {
            id,
            email: account.email,
            username,
            full_name: account.full_name,
            is_active: true,
            is_platform_admin: account.is_platform_admin,
            must_change_password: account.must_change_password,
            email_verified_at: None,
            epoch: 0,
            last_login_at: None,
            created_at: now,
            updated_at: now,
            deleted_at: None,
            revision: Revision::FIRST,
        };
        Ok(Registered { user, password_hash, actor: Actor::user(id) })
    }

    /// A username that is free but for a chance of one in 2^40: the random end of a `UUIDv7` tells it from others.
    fn username_for(&self, email: &Email) -> Username {
        let random = self.ids.next_id().simple().to_string();
        Username::from_email(email, random.get(22..).unwrap_or_default())
    }
}
