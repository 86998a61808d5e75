use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{LinkPurpose, LinkToken};

/// What is told to somebody. The words are found when it is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Mail {
    /// A link that proves the address. It leads somewhere only once the mail is sent, if the address has an account.
    VerifyEmail {
        /// What the link holds.
        token: LinkToken,
        /// When it stops working.
        expires_at: DateTime<Utc>,
    },
    /// A link to choose a new password. It leads somewhere only once the mail is sent, if the address has an account.
    ResetPassword {
        /// What the link holds.
        token: LinkToken,
        /// When it stops working.
        expires_at: DateTime<Utc>,
    },
    /// A link to choose the first password of an account that somebody else made; works like the one for a new password.
    ChoosePassword {
        /// Where the account was made.
        organization_name: String,
        /// What the link holds.
        token: LinkToken,
        /// When it stops working.
        expires_at: DateTime<Utc>,
    },
    /// Somebody is asked to join an organisation.
    Invitation {
        /// Which one.
        organization_name: String,
        /// Who asks.
        inviter_name: String,
        /// What they would be there.
        role: String,
        /// What the link holds.
        token: LinkToken,
        /// When it stops working.
        expires_at: DateTime<Utc>,
    },
    /// Somebody signed in from a device that the account was not used from before.
    NewDevice {
        /// When.
        at: DateTime<Utc>,
        /// From which network address.
        ip_address: Option<String>,
        /// With what program, as it calls itself.
        user_agent: Option<String>,
    },
    /// The password was replaced.
    PasswordChanged {
        /// When.
        at: DateTime<Utc>,
        /// From which network address.
        ip_address: Option<String>,
    },
}

/// Which kind of mail it is: all that the outbox says in the clear.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MailKind {
    /// [`Mail::VerifyEmail`].
    VerifyEmail,
    /// [`Mail::ResetPassword`].
    ResetPassword,
    /// [`Mail::ChoosePassword`].
    ChoosePassword,
    /// [`Mail::Invitation`].
    Invitation,
    /// [`Mail::NewDevice`].
    NewDevice,
    /// [`Mail::PasswordChanged`].
    PasswordChanged,
}

impl Mail {
    /// Which kind it is.
    #[must_use]
    pub fn kind(&self) -> MailKind {
        match self {
            Self::VerifyEmail { .. } => MailKind::VerifyEmail,
            Self::ResetPassword { .. } => MailKind::ResetPassword,
            Self::ChoosePassword { .. } => MailKind::ChoosePassword,
            Self::Invitation { .. } => MailKind::Invitation,
            Self::NewDevice { .. } => MailKind::NewDevice,
            Self::PasswordChanged { .. } => MailKind::PasswordChanged,
        }
    }

    /// The link that leads somewhere only once the mail is sent, if it has one: its purpose, token and end.
    #[must_use]
    pub fn account_link(&self) -> Option<(LinkPurpose, &LinkToken, DateTime<Utc>)> {
        match self {
            Self::VerifyEmail { token, expires_at } => Some((LinkPurpose::VerifyEmail, token, *expires_at)),
            Self::ResetPassword { token, expires_at } | Self::ChoosePassword { token, expires_at, .. } => {
                Some((LinkPurpose::ResetPassword, token, *expires_at))
            }
            Self::Invitation { .. } | Self::NewDevice { .. } | Self::PasswordChanged { .. } => None,
        }
    }
}

impl MailKind {
    /// Every kind.
    pub const ALL: [Self; 6] = [
        Self::VerifyEmail,
        Self::ResetPassword,
        Self::ChoosePassword,
        Self::Invitation,
        Self::NewDevice,
        Self::PasswordChanged,
    ];

    /// The name, as it is stored.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::VerifyEmail => "verify_email",
            Self::ResetPassword => "reset_password",
            Self::ChoosePassword => "choose_password",
            Self::Invitation => "invitation",
            Self::NewDevice => "new_device",
            Self::PasswordChanged => "password_changed",
        }
    }

    /// The kind of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// Whether a recipient gets only so many of them within an hour: those that strangers can cause, who could flood a
    /// mailbox with them, and sign-ins, since a program that keeps no device token makes one each time. Whoever gets no
    /// more of these was told several times. That a password was changed is always told.
    #[must_use]
    pub fn is_limited(self) -> bool {
        match self {
            Self::VerifyEmail | Self::ResetPassword | Self::ChoosePassword | Self::Invitation | Self::NewDevice => true,
            Self::PasswordChanged => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_found_by_its_name() {
        for kind in MailKind::ALL {
            assert_eq!(MailKind::from_name(kind.as_str()), Some(kind));
        }
        assert_eq!(MailKind::from_name("newsletter"), None);
    }
}
