use chrono::{DateTime, Utc};
use tenantry_identity::User;
use tenantry_kernel::{Cursor, OrganizationId, Revision, SortKey, UserId};

use crate::{Organization, Role};

/// That a user belongs to an organisation, and in which role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// The organisation.
    pub organization_id: OrganizationId,
    /// The member.
    pub user_id: UserId,
    /// What the member may do.
    pub role: Role,
    /// Whether the member may act at present; an administrator of the organisation decides.
    pub is_active: bool,
    /// Access tokens for this organisation with a lower epoch are dead. It grows when role or activity changes.
    pub epoch: i64,
    /// When the user joined.
    pub joined_at: DateTime<Utc>,
    /// When the membership last changed.
    pub updated_at: DateTime<Utc>,
    /// The version of the stored membership.
    pub revision: Revision,
}

impl Membership {
    /// The membership of somebody who joins at `now`.
    #[must_use]
    pub fn joining(organization_id: OrganizationId, user_id: UserId, role: Role, now: DateTime<Utc>) -> Self {
        Self {
            organization_id,
            user_id,
            role,
            is_active: true,
            // Above every epoch of an earlier membership, whose tokens stay dead when the user comes back.
            epoch: now.timestamp_micros(),
            joined_at: now,
            updated_at: now,
            revision: Revision::FIRST,
        }
    }
}

/// A change of a membership; what is `None` stays as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MembershipChange {
    /// The new role.
    pub role: Option<Role>,
    /// Whether the member may act from now on.
    pub is_active: Option<bool>,
}

impl Membership {
    /// The membership after `change` at `now`. Where something is different then, access tokens from before are dead.
    #[must_use]
    pub fn changed(self, change: MembershipChange, now: DateTime<Utc>) -> Self {
        let role = change.role.unwrap_or(self.role);
        let is_active = change.is_active.unwrap_or(self.is_active);
        if role == self.role && is_active == self.is_active {
            return self;
        }
        Self { role, is_active, ..self.renewed(now) }
    }

    /// The membership with every access token from before `now` dead, as it also is at its end.
    #[must_use]
    pub fn renewed(self, now: DateTime<Utc>) -> Self {
        Self { epoch: self.epoch.saturating_add(1), updated_at: now, revision: self.revision.next(), ..self }
    }

    /// Whether the organisation has an owner in this member.
    #[must_use]
    pub fn is_active_owner(&self) -> bool {
        self.is_active && self.role == Role::Owner
    }
}

/// A member of the context's organisation, with the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The account.
    pub user: User,
    /// The membership.
    pub membership: Membership,
}

impl Member {
    /// The version of both: it grows whenever one of them changes.
    #[must_use]
    pub fn revision(&self) -> Revision {
        Revision::from_stored(self.user.revision.get().saturating_add(self.membership.revision.get()))
    }

    /// Whether the member may act at present.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.user.is_active && self.membership.is_active
    }

    /// The place just after this member in a list, those who joined last first.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        Cursor { key: SortKey::Time(self.membership.joined_at), id: self.membership.user_id.as_uuid() }
    }
}

/// Which members a list holds: those that satisfy every part that is given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemberFilter {
    /// In this role.
    pub role: Option<Role>,
    /// Whether they may act at present.
    pub is_active: Option<bool>,
    /// Words that all occur in name, e-mail address or username, without regard to case.
    pub words: Vec<String>,
}

/// One of the actor's own memberships, with the organisation it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnMembership {
    /// The organisation.
    pub organization: Organization,
    /// The membership.
    pub membership: Membership,
}

impl OwnMembership {
    /// Whether the member may act in the organisation.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.membership.is_active && self.organization.is_active && self.organization.deleted_at.is_none()
    }
}

#[cfg(test)]
mod tests {
    use chrono::Duration;
    use tenantry_kernel::SystemIds;

    use super::*;

    #[test]
    fn a_change_of_role_or_activity_ends_the_tokens_from_before() {
        let now = DateTime::UNIX_EPOCH + Duration::days(20_000);
        let (organization, user) = (OrganizationId::generate(&SystemIds), UserId::generate(&SystemIds));
        let member = Membership::joining(organization, user, Role::Member, now);
        let same = MembershipChange { role: Some(Role::Member), is_active: Some(true) };
        assert_eq!(member.clone().changed(same, now + Duration::hours(1)), member);
        for change in [
            MembershipChange { role: Some(Role::Guest), is_active: None },
            MembershipChange { role: None, is_active: Some(false) },
        ] {
            let changed = member.clone().changed(change, now + Duration::hours(1));
            assert_eq!((changed.epoch, changed.revision), (member.epoch + 1, member.revision.next()));
            assert_ne!((changed.role, changed.is_active), (member.role, member.is_active));
        }
        let back = Membership::joining(organization, user, Role::Member, now + Duration::seconds(1));
        assert!(back.epoch > member.renewed(now).epoch, "tokens of an earlier membership are live again");
    }
}
