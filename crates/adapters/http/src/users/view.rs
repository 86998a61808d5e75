use chrono::{DateTime, Utc};
use serde::Serialize;
use tenantry_identity::User;
use tenantry_kernel::OrganizationId;
use tenantry_tenancy::{Member, OwnMembership, Role, TenantContext};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::etag::Tagged;

/// An account, as seen from one organization.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = User)]
pub(crate) struct UserView {
    id: Uuid,
    email: String,
    username: String,
    #[schema(required)]
    full_name: Option<String>,
    is_active: bool,
    /// Whether the user has proved that the e-mail address is theirs.
    email_verified: bool,
    /// The role in the organization: OWNER, ADMIN, MEMBER or GUEST.
    role: &'static str,
    /// The organization that the request works in.
    organization_id: Uuid,
    #[schema(required)]
    last_login_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl UserView {
    fn new(user: User, organization_id: OrganizationId, role: Role, is_active: bool) -> Self {
        Self {
            id: user.id.as_uuid(),
            email: user.email.as_str().to_owned(),
            username: user.username.as_str().to_owned(),
            full_name: user.full_name.map(tenantry_identity::FullName::into_string),
            is_active,
            email_verified: user.email_verified_at.is_some(),
            role: role.as_str(),
            organization_id: organization_id.as_uuid(),
            last_login_at: user.last_login_at,
            created_at: user.created_at,
            updated_at: user.updated_at,
        }
    }

    /// The caller's own account.
    pub(crate) fn own(user: User, context: &TenantContext) -> Tagged<Self> {
        let (organization_id, role) = (context.organization_id(), context.role());
        let (revision, is_active) = (user.revision, user.is_active);
        let view = Self::new(user, organization_id, role, is_active);
        Tagged::ok(revision, view).varied_by(format!("{role}-{organization_id}"))
    }

    /// A member with the version of account and membership.
    pub(crate) fn tagged(member: Member) -> Tagged<Self> {
        let variant = member.membership.organization_id.to_string();
        Tagged::ok(member.revision(), Self::from(member)).varied_by(variant)
    }

    /// The same, just made.
    pub(crate) fn created(member: Member, location: String) -> Tagged<Self> {
        let variant = member.membership.organization_id.to_string();
        Tagged::created(member.revision(), location, Self::from(member)).varied_by(variant)
    }

    /// An account as seen from one of its own memberships.
    pub(crate) fn of_member(user: User, own: &OwnMembership) -> Self {
        let is_active = user.is_active;
        Self::new(user, own.organization.id, own.membership.role, is_active)
    }
}

impl From<Member> for UserView {
    fn from(member: Member) -> Self {
        let is_active = member.is_active();
        Self::new(member.user, member.membership.organization_id, member.membership.role, is_active)
    }
}
