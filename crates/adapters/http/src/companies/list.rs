use super::view::CompanyView;
use crate::{
    caller::{Caller, State},
    organizations::list_as,
    paging::{ListEnvelope, ListQuery, NoFilter, PagingParams},
    problem::Problem,
};

/// List the organizations that the caller belongs to, the newest membership first.
#[utoipa::path(get, path = "/companies", tag = "organizations",
    security(("bearer" = []), ("api_key" = ["organizations:read"])), params(PagingParams),
    responses((status = 200, description = "A page of organizations.", body = ListEnvelope<CompanyView>)))]
pub(crate) async fn handler(
    caller: Caller,
    state: State,
    query: ListQuery<NoFilter>,
) -> Result<ListEnvelope<CompanyView>, Problem> {
    list_as(&caller, &state, &query).await
}
