use super::view::InvitationView;
use crate::{
    caller::{Insider, State},
    paging::{ListEnvelope, ListQuery, NoFilter, PagingParams},
    problem::Problem,
};

/// List the organization's invitations, the newest first: those that wait, and for some time those that were accepted or
/// have expired.
#[utoipa::path(get, path = "/organizations/{id}/invitations", tag = "organizations",
    security(("bearer" = []), ("api_key" = ["organizations:read"])),
    params(("id" = Uuid, Path, description = "The organization"), PagingParams),
    responses((status = 200, description = "A page of invitations.", body = ListEnvelope<InvitationView>)))]
pub(crate) async fn handler(
    Insider(caller): Insider,
    state: State,
    query: ListQuery<NoFilter>,
) -> Result<ListEnvelope<InvitationView>, Problem> {
    let page = state.services.invitations.list(&caller.context, &query.page).await?;
    let now = state.clock.now();
    Ok(query.envelope(page, |invitation| InvitationView::at(&invitation, now)))
}
