use actix_web::HttpResponse;
use tenantry_tenancy::InvitationId;
use uuid::Uuid;

use crate::{
    caller::{Insider, State},
    etag::IfMatch,
    fields::PathId,
    problem::Problem,
};

/// Take an invitation back that was not accepted yet.
#[utoipa::path(delete, path = "/organizations/{id}/invitations/{invitation_id}", tag = "organizations",
    security(("bearer" = []), ("api_key" = ["organizations:write"])),
    params(("id" = Uuid, Path, description = "The organization"),
        ("invitation_id" = Uuid, Path, description = "The invitation"),
        ("If-Match" = Option<String>, Header, description = "Only delete this version")),
    responses((status = 204, description = "Its link is good for nothing.")))]
pub(crate) async fn handler(
    Insider(caller): Insider,
    state: State,
    PathId((_, invitation_id)): PathId<(Uuid, Uuid)>,
    if_match: IfMatch,
) -> Result<HttpResponse, Problem> {
    let invitation_id = InvitationId::from_uuid(invitation_id);
    state.services.invitations.revoke(&caller.context, invitation_id, &if_match.0).await?;
    Ok(HttpResponse::NoContent().finish())
}
