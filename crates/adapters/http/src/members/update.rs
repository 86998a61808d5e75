use serde::Deserialize;
use tenantry_application::MemberChange;
use tenantry_kernel::UserId;
use tenantry_tenancy::{MembershipChange, Role};
use utoipa::ToSchema;
use uuid::Uuid;

use super::view::MemberView;
use crate::{
    caller::{Insider, State},
    etag::{IfMatch, Tagged},
    fields::{Fields, JsonBody, PathId},
    problem::Problem,
};

/// A change of a membership.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpdateMember {
    /// OWNER, ADMIN, MEMBER or GUEST.
    role: String,
}

impl UpdateMember {
    fn parse(self) -> Result<MemberChange, Problem> {
        let mut fields = Fields::new();
        let role = fields.parse("role", &self.role, str::parse::<Role>);
        let role = fields.finish(role)?;
        let membership = MembershipChange { role: Some(role), ..MembershipChange::default() };
        Ok(MemberChange { membership, ..MemberChange::default() })
    }
}

/// Give a member another role. Access tokens with the old one are dead at once.
///
/// Nobody gives or takes a role above their own, and an organization keeps an owner.
#[utoipa::path(patch, path = "/organizations/{id}/members/{user_id}", tag = "organizations",
    security(("bearer" = []), ("api_key" = ["organizations:write"])),
    request_body = UpdateMember,
    params(("id" = Uuid, Path, description = "The organization"), ("user_id" = Uuid, Path, description = "The member"),
        ("If-Match" = Option<String>, Header, description = "Only change this version")),
    responses((status = 200, description = "The member after the change.", body = MemberView)))]
pub(crate) async fn handler(
    Insider(caller): Insider,
    state: State,
    PathId((_, id)): PathId<(Uuid, Uuid)>,
    if_match: IfMatch,
    JsonBody(body): JsonBody<UpdateMember>,
) -> Result<Tagged<MemberView>, Problem> {
    let (id, change) = (UserId::from_uuid(id), body.parse()?);
    let member = state.services.members.change(&caller.context, id, change, &if_match.0).await?;
    Ok(MemberView::tagged(member))
}
