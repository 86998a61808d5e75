use chrono::{DateTime, Utc};
use serde::Serialize;
use tenantry_tenancy::Invitation;
use utoipa::ToSchema;
use uuid::Uuid;

/// An invitation, as those see it who manage the organization. The token goes by mail only.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Invitation)]
pub(crate) struct InvitationView {
    id: Uuid,
    email: String,
    /// OWNER, ADMIN, MEMBER or GUEST.
    role: &'static str,
    expires_at: DateTime<Utc>,
    /// pending, accepted or expired.
    status: &'static str,
    /// The user who asks.
    invited_by: Uuid,
}

impl InvitationView {
    pub(super) fn at(invitation: &Invitation, now: DateTime<Utc>) -> Self {
        Self {
            id: invitation.id.as_uuid(),
            email: invitation.email.as_str().to_owned(),
            role: invitation.role.as_str(),
            expires_at: invitation.expires_at,
            status: invitation.status(now).as_str(),
            invited_by: invitation.invited_by.as_uuid(),
        }
    }
}
