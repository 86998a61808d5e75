use chrono::{DateTime, Utc};
use tenantry_identity::{Email, LinkDigest};
use tenantry_kernel::{Cursor, OrganizationId, Revision, SortKey, UserId, typed_id};

use crate::{OrganizationName, Permission, Role, TenancyError};

typed_id! {
    /// Names an invitation.
    InvitationId
}

/// That somebody is asked to join an organisation. The token that accepts it goes by mail; only its hash is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// Names the invitation.
    pub id: InvitationId,
    /// Where to.
    pub organization_id: OrganizationId,
    /// Who is asked: whoever has this address.
    pub email: Email,
    /// What they would be there.
    pub role: Role,
    /// The hash of the token.
    pub digest: LinkDigest,
    /// Who asks.
    pub invited_by: UserId,
    /// When they last did.
    pub created_at: DateTime<Utc>,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
    /// When it was accepted.
    pub accepted_at: Option<DateTime<Utc>>,
    /// The version of the stored invitation; it grows when the invitation is renewed.
    pub revision: Revision,
}

/// What has become of an invitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvitationStatus {
    /// It can be accepted.
    Pending,
    /// It was.
    Accepted,
    /// It was not, in its time.
    Expired,
}

impl InvitationStatus {
    /// The name that is shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Accepted => "accepted",
            Self::Expired => "expired",
        }
    }
}

impl Invitation {
    /// What has become of it by `now`.
    #[must_use]
    pub fn status(&self, now: DateTime<Utc>) -> InvitationStatus {
        if self.accepted_at.is_some() {
            InvitationStatus::Accepted
        } else if now < self.expires_at {
            InvitationStatus::Pending
        } else {
            InvitationStatus::Expired
        }
    }

    /// That it can still be accepted at `now` by whoever has the token of this hash.
    ///
    /// # Errors
    /// [`TenancyError::InvitationUsed`]; [`TenancyError::NotFound`] once it expired, or with the token of an earlier mail.
    pub fn check(&self, digest: &LinkDigest, now: DateTime<Utc>) -> Result<(), TenancyError> {
        match self.status(now) {
            _ if self.digest != *digest => Err(TenancyError::NotFound),
            InvitationStatus::Pending => Ok(()),
            InvitationStatus::Accepted => Err(TenancyError::InvitationUsed),
            InvitationStatus::Expired => Err(TenancyError::NotFound),
        }
    }

    /// The place of the invitation in a list of the newest first.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        Cursor { key: SortKey::Time(self.created_at), id: self.id.as_uuid() }
    }
}

impl Role {
    /// The right that it takes to give somebody this role. Whoever has it has no lower role themselves.
    #[must_use]
    pub fn permission_to_give(self) -> Permission {
        if self == Self::Owner { Permission::ManageOwners } else { Permission::ManageMembers }
    }
}

/// An invitation that was found by its token, before anybody is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundInvitation {
    /// The invitation.
    pub invitation: Invitation,
    /// Where to.
    pub organization_name: OrganizationName,
    /// Whether the organisation is neither deleted nor closed.
    pub is_open: bool,
    /// Whether the address has an account.
    pub account_exists: bool,
}

#[cfg(test)]
mod tests {
    use chrono::Duration;
    use uuid::Uuid;

    use super::*;

    fn at(hours: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000, 0).unwrap() + Duration::hours(hours)
    }

    fn invitation() -> Invitation {
        Invitation {
            id: InvitationId::from_uuid(Uuid::nil()),
            organization_id: OrganizationId::from_uuid(Uuid::nil()),
            email: Email::parse("ada@example.com").unwrap(),
            role: Role::Member,
            digest: LinkDigest([1; 32]),
            invited_by: UserId::from_uuid(Uuid::nil()),
            created_at: at(0),
            expires_at: at(2),
            accepted_at: None,
            revision: Revision::FIRST,
        }
    }

    #[test]
    fn c13_it_is_accepted_once_in_its_time_with_its_latest_token() {
        let (token, other) = (LinkDigest([1; 32]), LinkDigest([2; 32]));
        assert!(invitation().check(&token, at(1)).is_ok());
        assert!(matches!(invitation().check(&token, at(2)), Err(TenancyError::NotFound)));
        assert!(matches!(invitation().check(&other, at(1)), Err(TenancyError::NotFound)));
        let accepted = Invitation { accepted_at: Some(at(1)), ..invitation() };
        assert!(matches!(accepted.check(&token, at(1)), Err(TenancyError::InvitationUsed)));
        assert!(matches!(accepted.check(&other, at(1)), Err(TenancyError::NotFound)));
        // That it was used stays true once it would have expired.
        assert!(matches!(accepted.check(&token, at(3)), Err(TenancyError::InvitationUsed)));
    }

    #[test]
    fn c5_nobody_gives_a_role_above_their_own() {
        for role in Role::ALL {
            for giver in Role::ALL {
                assert!(!giver.allows(role.permission_to_give()) || giver >= role, "{giver} gives {role}");
            }
        }
    }
}
