use super::view::{ListDirectory, ListedAccountView};
use crate::{
    caller::{Administrator, State},
    paging::{ListEnvelope, ListQuery, PagingParams},
    problem::Problem,
};

/// List the accounts of the platform, the newest first.
#[utoipa::path(get, path = "/admin/users", tag = "admin", params(PagingParams, ListDirectory),
    security(("bearer" = [])),
    responses((status = 200, description = "A page of accounts.", body = ListEnvelope<ListedAccountView>)))]
pub(crate) async fn handler(
    Administrator(context): Administrator,
    state: State,
    query: ListQuery<ListDirectory>,
) -> Result<ListEnvelope<ListedAccountView>, Problem> {
    let page = state.services.platform.list_users(&context, &query.filter.parse()?, &query.page).await?;
    Ok(query.envelope(page, ListedAccountView::from))
}
