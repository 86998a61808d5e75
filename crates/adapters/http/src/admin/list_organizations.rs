use super::view::{ListDirectory, ListedOrganizationView};
use crate::{
    caller::{Administrator, State},
    paging::{ListEnvelope, ListQuery, PagingParams},
    problem::Problem,
};

/// List the organizations of the platform, the newest first.
#[utoipa::path(get, path = "/admin/organizations", tag = "admin", params(PagingParams, ListDirectory),
    security(("bearer" = [])),
    responses((status = 200, description = "A page of organizations.", body = ListEnvelope<ListedOrganizationView>)))]
pub(crate) async fn handler(
    Administrator(context): Administrator,
    state: State,
    query: ListQuery<ListDirectory>,
) -> Result<ListEnvelope<ListedOrganizationView>, Problem> {
    let page = state.services.platform.list_organizations(&context, &query.filter.parse()?, &query.page).await?;
    Ok(query.envelope(page, ListedOrganizationView::from))
}
