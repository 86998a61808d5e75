use chrono::{DateTime, Utc};
use tenantry_kernel::{OrganizationId, Revision, UserId};

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
            epoch: 0,
            joined_at: now,
            updated_at: now,
            revision: Revision::FIRST,
        }
    }
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
