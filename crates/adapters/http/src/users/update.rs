use serde::Deserialize;
use tenantry_application::MemberChange;
use tenantry_identity::FullName;
use tenantry_kernel::UserId;
use tenantry_tenancy::{MembershipChange, Role};
use utoipa::ToSchema;
use uuid::Uuid;

use super::UserView;
use crate::{
    caller::{Caller, State},
    etag::{IfMatch, Tagged},
    fields::{Fields, JsonBody, Patch, PathId},
    problem::Problem,
};

/// A change of a user of the organization; what is absent stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpdateUser {
    /// The name; null removes it.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 255)]
    full_name: Patch<String>,
    /// OWNER, ADMIN, MEMBER or GUEST.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    role: Patch<String>,
    /// Whether the user may act in this organization; others are not concerned.
    #[serde(default)]
    #[schema(value_type = Option<bool>)]
    is_active: Patch<bool>,
}

impl UpdateUser {
    fn parse(self) -> Result<MemberChange, Problem> {
        let mut fields = Fields::new();
        let full_name = fields.patch("full_name", &self.full_name, FullName::parse);
        let role = fields.change("role", &self.role, str::parse::<Role>);
        let is_active = fields.change_value("is_active", self.is_active, Ok::<_, Problem>);
        let (full_name, role, is_active) = fields.finish((full_name, role, is_active))?;
        Ok(MemberChange { full_name: full_name.into_change(), membership: MembershipChange { role, is_active } })
    }
}

/// Change a user of the organization. Access tokens with another role are dead at once.
#[utoipa::path(method(patch, put), path = "/users/{id}", tag = "users",
    security(("bearer" = []), ("api_key" = ["users:write"])), request_body = UpdateUser,
    params(("id" = Uuid, Path, description = "The user"),
        ("If-Match" = Option<String>, Header, description = "Only change this version")),
    responses((status = 200, description = "The user after the change.", body = UserView)))]
pub(crate) async fn handler(
    caller: Caller,
    state: State,
    PathId(id): PathId<Uuid>,
    if_match: IfMatch,
    JsonBody(body): JsonBody<UpdateUser>,
) -> Result<Tagged<UserView>, Problem> {
    let (id, change) = (UserId::from_uuid(id), body.parse()?);
    let member = state.services.members.change(&caller.context, id, change, &if_match.0).await?;
    Ok(UserView::tagged(member))
}
