use std::sync::Arc;

use tenantry_identity::{Email, NewAccount, Password, User, UserKey, Username};

use crate::{
    NewcomerOrganization, SignUp, SignUpError,
    ports::{AdministratorLookup, OneTimePasswords},
};

/// What makes a platform administrator.
#[derive(Debug)]
pub struct NewAdministrator {
    /// Where mail reaches them.
    pub email: Email,
    /// The name to sign in with; made from the e-mail address where absent.
    pub username: Option<Username>,
    /// Their password; a one-time password is made where absent.
    pub password: Option<Password>,
}

/// A password that was made for somebody, to be shown to them once.
pub struct OneTimePassword(Password);

impl OneTimePassword {
    /// The password in clear, to be shown once and kept nowhere.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

/// Makes platform administrators.
pub struct Administrators {
    sign_up: Arc<SignUp>,
    lookup: Arc<dyn AdministratorLookup>,
    one_time_passwords: Arc<dyn OneTimePasswords>,
}

impl Administrators {
    /// The use cases over these ports.
    #[must_use]
    pub fn new(
        sign_up: Arc<SignUp>,
        lookup: Arc<dyn AdministratorLookup>,
        one_time_passwords: Arc<dyn OneTimePasswords>,
    ) -> Self {
        Self { sign_up, lookup, one_time_passwords }
    }

    /// Makes an administrator with a personal organisation, and a one-time password where none is given.
    ///
    /// # Errors
    /// As [`SignUp::sign_up`].
    pub async fn create(&self, new: NewAdministrator) -> Result<(User, Option<OneTimePassword>), SignUpError> {
        let (password, made) = if let Some(password) = new.password {
            (password, None)
        } else {
            let made = self.one_time_passwords.generate();
            (made.clone(), Some(OneTimePassword(made)))
        };
        let account = NewAccount {
            email: new.email,
            username: new.username,
            full_name: None,
            password,
            is_platform_admin: true,
            must_change_password: made.is_some(),
        };
        let signed_up = self.sign_up.sign_up(account, NewcomerOrganization::Personal, None).await?;
        Ok((signed_up.user, made))
    }

    /// Makes the first administrator if there is none yet. Nodes that start together make only one.
    ///
    /// # Errors
    /// As [`SignUp::sign_up`].
    pub async fn ensure_first(
        &self,
        email: Email,
        username: Username,
    ) -> Result<Option<(User, OneTimePassword)>, SignUpError> {
        if self.lookup.any_exists().await? {
            return Ok(None);
        }
        let new = NewAdministrator { email, username: Some(username), password: None };
        match self.create(new).await {
            Ok((user, made)) => Ok(made.map(|made| (user, made))),
            Err(SignUpError::Taken(UserKey::Email | UserKey::Username)) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
