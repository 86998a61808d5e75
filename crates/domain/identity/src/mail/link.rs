use chrono::{DateTime, Utc};
use tenantry_kernel::UserId;

use crate::{Email, User};

/// What a mailed link is good for, once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LinkPurpose {
    /// To prove that the address is one's own.
    VerifyEmail,
    /// To choose a password without knowing the one so far.
    ResetPassword,
}

/// The hash of a link's token, by which it is stored and found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LinkDigest(pub [u8; 32]);

/// A link that is about to be mailed, to an address that may have no account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLink {
    /// What it is good for.
    pub purpose: LinkPurpose,
    /// The hash of its token.
    pub digest: LinkDigest,
    /// The address that it is mailed to.
    pub email: Email,
    /// When it was asked for.
    pub issued_at: DateTime<Utc>,
    /// When it stops working.
    pub expires_at: DateTime<Utc>,
}

/// A link that was mailed to an account's address. An account has one at most for each purpose: the latest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailedLink {
    /// Whose link it is.
    pub user_id: UserId,
    /// What it is good for.
    pub purpose: LinkPurpose,
    /// The hash of its token.
    pub digest: LinkDigest,
    /// The key of the address that it was mailed to.
    pub email_key: String,
    /// When it was asked for.
    pub issued_at: DateTime<Utc>,
    /// When it stops working.
    pub expires_at: DateTime<Utc>,
    /// When it was used.
    pub used_at: Option<DateTime<Utc>>,
}

/// Why a link is not mailed. Only the log of the worker tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PointlessLink {
    /// Nobody who may sign in has the address.
    NoAccount,
    /// The address was proved already.
    Verified,
    /// A later one was asked for and mailed before.
    Replaced,
    /// It was mailed before, and used.
    Used,
}

impl PointlessLink {
    /// The reason in words, for operators.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::NoAccount => "the address has no account",
            Self::Verified => "the address is verified already",
            Self::Replaced => "a later link has replaced this one",
            Self::Used => "the link was used already",
        }
    }
}

impl LinkPurpose {
    /// Every purpose.
    pub const ALL: [Self; 2] = [Self::VerifyEmail, Self::ResetPassword];

    /// The name, as it is stored.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::VerifyEmail => "verify_email",
            Self::ResetPassword => "reset_password",
        }
    }

    /// The purpose of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.as_str() == name)
    }
}

impl NewLink {
    /// The link of `user`, who has the address, in the place of the `latest` one for the same purpose. A link that is
    /// mailed once more stays what it is.
    ///
    /// # Errors
    /// [`PointlessLink`].
    pub fn of(&self, user: &User, latest: Option<&MailedLink>) -> Result<MailedLink, PointlessLink> {
        if !user.is_active || user.deleted_at.is_some() || user.email.key() != self.email.key() {
            return Err(PointlessLink::NoAccount);
        }
        if self.purpose == LinkPurpose::VerifyEmail && user.email_verified_at.is_some() {
            return Err(PointlessLink::Verified);
        }
        match latest {
            Some(same) if same.digest == self.digest && same.used_at.is_some() => Err(PointlessLink::Used),
            Some(later) if later.digest != self.digest && later.issued_at > self.issued_at => {
                Err(PointlessLink::Replaced)
            }
            _ => Ok(MailedLink {
                user_id: user.id,
                purpose: self.purpose,
                digest: self.digest,
                email_key: self.email.key().to_owned(),
                issued_at: self.issued_at,
                expires_at: self.expires_at,
                used_at: None,
            }),
        }
    }
}

impl MailedLink {
    /// Whether `user` may use it at `now`: it is theirs, was not used, has not expired, and went to the address that the
    /// account still has.
    #[must_use]
    pub fn is_good_for(&self, user: &User, now: DateTime<Utc>) -> bool {
        self.user_id == user.id
            && self.used_at.is_none()
            && now < self.expires_at
            && self.email_key == user.email.key()
            && user.is_active
            && user.deleted_at.is_none()
    }
}

#[cfg(test)]
mod tests {
    use chrono::Duration;
    use tenantry_kernel::Revision;
    use uuid::Uuid;

    use super::*;
    use crate::Username;

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + 60 * minutes, 0).unwrap()
    }

    fn user() -> User {
        User {
            id: UserId::from_uuid(Uuid::nil()),
            email: Email::parse("Ada@example.com").unwrap(),
            username: Username::parse("ada").unwrap(),
            full_name: None,
            is_active: true,
            is_platform_admin: false,
            must_change_password: false,
            email_verified_at: None,
            epoch: 0,
            last_login_at: None,
            created_at: at(0),
            updated_at: at(0),
            deleted_at: None,
            revision: Revision::FIRST,
        }
    }

    fn new(purpose: LinkPurpose, number: u8, minutes: i64) -> NewLink {
        NewLink {
            purpose,
            digest: LinkDigest([number; 32]),
            email: Email::parse("ada@EXAMPLE.com").unwrap(),
            issued_at: at(minutes),
            expires_at: at(minutes) + Duration::hours(1),
        }
    }

    #[test]
    fn every_purpose_is_found_by_its_name() {
        for purpose in LinkPurpose::ALL {
            assert_eq!(LinkPurpose::from_name(purpose.as_str()), Some(purpose));
        }
        assert_eq!(LinkPurpose::from_name("unsubscribe"), None);
    }

    #[test]
    fn l8_the_latest_link_replaces_those_before_and_no_later_one() {
        let first = new(LinkPurpose::ResetPassword, 1, 0);
        let second = new(LinkPurpose::ResetPassword, 2, 1);
        let stored = first.of(&user(), None).unwrap();
        let replaced = second.of(&user(), Some(&stored)).unwrap();
        assert_eq!(replaced.digest, second.digest);
        assert_eq!(first.of(&user(), Some(&replaced)), Err(PointlessLink::Replaced));
        // Sent again after a failure, or by a worker that does not know it was sent.
        assert_eq!(second.of(&user(), Some(&replaced)), Ok(replaced.clone()));
        let used = MailedLink { used_at: Some(at(2)), ..replaced };
        assert_eq!(second.of(&user(), Some(&used)), Err(PointlessLink::Used));
        assert!(new(LinkPurpose::ResetPassword, 3, 2).of(&user(), Some(&used)).is_ok());
    }

    #[test]
    fn l8_nobody_gets_a_link_that_leads_nowhere() {
        let (verify, reset) = (new(LinkPurpose::VerifyEmail, 1, 0), new(LinkPurpose::ResetPassword, 1, 0));
        for nobody in [
            User { is_active: false, ..user() },
            User { deleted_at: Some(at(0)), ..user() },
            User { email: Email::parse("bob@example.com").unwrap(), ..user() },
        ] {
            assert_eq!(reset.of(&nobody, None), Err(PointlessLink::NoAccount));
        }
        let verified = User { email_verified_at: Some(at(0)), ..user() };
        assert_eq!(verify.of(&verified, None), Err(PointlessLink::Verified));
        assert!(reset.of(&verified, None).is_ok());
    }

    #[test]
    fn l8_a_link_is_good_once_in_its_time_for_the_address_it_went_to() {
        let link = new(LinkPurpose::ResetPassword, 1, 0).of(&user(), None).unwrap();
        assert!(link.is_good_for(&user(), at(59)));
        assert!(!link.is_good_for(&user(), at(60)));
        assert!(!MailedLink { used_at: Some(at(1)), ..link.clone() }.is_good_for(&user(), at(1)));
        for other in [
            User { id: UserId::from_uuid(Uuid::max()), ..user() },
            User { email: Email::parse("bob@example.com").unwrap(), ..user() },
            User { is_active: false, ..user() },
            User { deleted_at: Some(at(0)), ..user() },
        ] {
            assert!(!link.is_good_for(&other, at(1)), "{other:?}");
        }
    }
}
