use actix_web::web::Json;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::open;
use crate::{caller::State, fields::PathId, problem::Problem};

/// An invitation, as whoever was invited sees it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InvitationPreview {
    organization_name: String,
    email: String,
    /// OWNER, ADMIN, MEMBER or GUEST.
    role: &'static str,
    expires_at: DateTime<Utc>,
    /// Whether the address has an account, which is to sign in then.
    account_exists: bool,
}

/// Look at an invitation. Nothing changes by that.
#[utoipa::path(get, path = "/invitations/{token}", tag = "organizations", security(()),
    params(("token" = String, Path, description = "What the mailed link holds after `#token=`")),
    responses((status = 200, description = "The invitation.", body = InvitationPreview)))]
pub(crate) async fn handler(state: State, PathId(token): PathId<String>) -> Result<Json<InvitationPreview>, Problem> {
    let open = open(&state, &token).await?;
    let found = open.found();
    Ok(Json(InvitationPreview {
        organization_name: found.organization_name.as_str().to_owned(),
        email: found.invitation.email.as_str().to_owned(),
        role: found.invitation.role.as_str(),
        expires_at: found.invitation.expires_at,
        account_exists: found.account_exists,
    }))
}
