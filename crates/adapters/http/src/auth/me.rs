use actix_web::web::Json;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    caller::{Caller, State},
    organizations::{MembershipSummary, OrganizationSummary},
    problem::Problem,
    users::UserView,
};

/// One's own account and organizations.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MeView {
    #[serde(flatten)]
    user: UserView,
    /// The organization that the request works in.
    organization: OrganizationSummary,
    /// Every organization that the user belongs to.
    organizations: Vec<MembershipSummary>,
    /// The licence that the user has a seat of, or else the organization's own.
    #[schema(required)]
    license_id: Option<Uuid>,
}

/// Read one's own account and organizations.
#[utoipa::path(get, path = "/auth/me", tag = "auth",
    security(("bearer" = []), ("api_key" = ["users:read"])),
    responses((status = 200, description = "The account.", body = MeView)))]
pub(crate) async fn handler(caller: Caller, state: State) -> Result<Json<MeView>, Problem> {
    let me = state.services.profile.me(&caller.actor()).await?;
    let current = me.memberships.iter().find(|own| own.organization.id == caller.context.organization_id());
    let current = current.ok_or_else(Problem::not_found)?;
    Ok(Json(MeView {
        organization: OrganizationSummary::from(&current.organization),
        organizations: me.memberships.iter().map(MembershipSummary::from).collect(),
        user: UserView::of_member(me.user, current),
        license_id: None,
    }))
}
