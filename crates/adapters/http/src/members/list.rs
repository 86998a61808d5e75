use tenantry_tenancy::MemberFilter;

use super::view::MemberView;
use crate::{
    caller::{Insider, State},
    paging::{ListEnvelope, ListQuery, NoFilter, PagingParams},
    problem::Problem,
};

/// List the members of an organization, those who joined last first.
#[utoipa::path(get, path = "/organizations/{id}/members", tag = "organizations",
    security(("bearer" = []), ("api_key" = ["organizations:read"])),
    params(("id" = Uuid, Path, description = "The organization"), PagingParams),
    responses((status = 200, description = "A page of members.", body = ListEnvelope<MemberView>)))]
pub(crate) async fn handler(
    Insider(caller): Insider,
    state: State,
    query: ListQuery<NoFilter>,
) -> Result<ListEnvelope<MemberView>, Problem> {
    let page = state.services.members.list(&caller.context, &MemberFilter::default(), &query.page).await?;
    Ok(query.envelope(page, MemberView::from))
}
