use chrono::{DateTime, Utc};
use serde::Serialize;
use tenantry_identity::FullName;
use tenantry_tenancy::Member;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::etag::Tagged;

/// A member of an organization.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Member)]
pub(crate) struct MemberView {
    user_id: Uuid,
    email: String,
    username: String,
    #[schema(required)]
    full_name: Option<String>,
    /// OWNER, ADMIN, MEMBER or GUEST.
    role: &'static str,
    /// Whether the member may act at present.
    is_active: bool,
    joined_at: DateTime<Utc>,
}

impl From<Member> for MemberView {
    fn from(member: Member) -> Self {
        let is_active = member.is_active();
        let Member { user, membership } = member;
        Self {
            user_id: user.id.as_uuid(),
            email: user.email.as_str().to_owned(),
            username: user.username.as_str().to_owned(),
            full_name: user.full_name.map(FullName::into_string),
            role: membership.role.as_str(),
            is_active,
            joined_at: membership.joined_at,
        }
    }
}

impl MemberView {
    /// The member with the version of account and membership.
    pub(crate) fn tagged(member: Member) -> Tagged<Self> {
        Tagged::ok(member.revision(), Self::from(member))
    }
}
