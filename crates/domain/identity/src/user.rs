use chrono::{DateTime, Utc};
use tenantry_kernel::{Revision, UserId};

use crate::{Email, FullName, Username};

/// An account: a person who can sign in. Which organisations they belong to is tenancy's business.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Names the account for ever.
    pub id: UserId,
    /// Where mail reaches the person; unique among accounts.
    pub email: Email,
    /// The sign-in name; unique among accounts.
    pub username: Username,
    /// The person's name, where given.
    pub full_name: Option<FullName>,
    /// Whether the account may sign in; a platform administrator decides.
    pub is_active: bool,
    /// Whether the account may administer the platform.
    pub is_platform_admin: bool,
    /// Whether the password was given by someone else and has to be replaced first.
    pub must_change_password: bool,
    /// When the person proved that the address is theirs.
    pub email_verified_at: Option<DateTime<Utc>>,
    /// Access tokens with a lower epoch are dead. It grows when all the account's sessions end at once.
    pub epoch: i64,
    /// When the person last signed in.
    pub last_login_at: Option<DateTime<Utc>>,
    /// When the account was made.
    pub created_at: DateTime<Utc>,
    /// When the profile last changed.
    pub updated_at: DateTime<Utc>,
    /// When the account was deleted; it is erased some time later.
    pub deleted_at: Option<DateTime<Utc>>,
    /// The version of the stored account.
    pub revision: Revision,
}

impl User {
    /// What others call the person: the name, or else the sign-in name.
    #[must_use]
    pub fn display_name(&self) -> &str {
        self.full_name.as_ref().map_or(self.username.as_str(), FullName::as_str)
    }

    /// The account after a change of its profile at `now`.
    #[must_use]
    pub fn with_profile(
        mut self,
        full_name: Option<Option<FullName>>,
        username: Option<Username>,
        now: DateTime<Utc>,
    ) -> Self {
        if let Some(full_name) = full_name {
            self.full_name = full_name;
        }
        if let Some(username) = username {
            self.username = username;
        }
        self.touched(now)
    }

    /// The account once its owner chose the password; part of a change of the profile.
    #[must_use]
    pub fn with_own_password(mut self) -> Self {
        self.must_change_password = false;
        self
    }

    /// The account once its owner proved at `now` that the address is theirs; part of another change.
    #[must_use]
    pub fn with_proved_email(mut self, now: DateTime<Utc>) -> Self {
        self.email_verified_at.get_or_insert(now);
        self
    }

    /// The account after its owner proved at `now` that the address is theirs.
    #[must_use]
    pub fn verified(self, now: DateTime<Utc>) -> Self {
        self.with_proved_email(now).touched(now)
    }

    /// Whether nobody has signed in since the sign-up, which may have opened a session itself.
    #[must_use]
    pub fn has_never_signed_in(&self) -> bool {
        self.last_login_at.is_none_or(|at| at <= self.created_at)
    }

    /// The account after all its sessions ended at once at `now`.
    #[must_use]
    pub fn signed_out_everywhere(mut self, now: DateTime<Utc>) -> Self {
        self.epoch = self.epoch.saturating_add(1);
        self.touched(now)
    }

    /// The account after a platform administrator decided at `now` whether it may sign in. One that may not is signed out
    /// everywhere.
    #[must_use]
    pub fn with_activity(self, is_active: bool, now: DateTime<Utc>) -> Self {
        let mut user = if is_active { self.touched(now) } else { self.signed_out_everywhere(now) };
        user.is_active = is_active;
        user
    }

    /// The account after its deletion at `now`: it can't sign in, and waits for erasure.
    #[must_use]
    pub fn deleted(self, now: DateTime<Utc>) -> Self {
        let mut user = self.signed_out_everywhere(now);
        user.is_active = false;
        user.deleted_at = Some(now);
        user
    }

    fn touched(mut self, now: DateTime<Utc>) -> Self {
        self.updated_at = now;
        self.revision = self.revision.next();
        self
    }
}
