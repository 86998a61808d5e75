use tenantry_kernel::{Cursor, SortKey};
use tenantry_tenancy::OwnMembership;

use super::view::OrganizationView;
use crate::{
    caller::{Caller, State},
    paging::{ListEnvelope, ListQuery, NoFilter, PagingParams},
    problem::Problem,
};

/// List the organizations that the caller belongs to, the oldest membership first.
#[utoipa::path(get, path = "/organizations", tag = "organizations", params(PagingParams),
    responses((status = 200, description = "A page of organizations.", body = ListEnvelope<OrganizationView>)))]
pub(crate) async fn handler(
    caller: Caller,
    state: State,
    query: ListQuery<NoFilter>,
) -> Result<ListEnvelope<OrganizationView>, Problem> {
    let own = state.services.entrance.list_own(&caller.actor()).await?;
    Ok(query.envelope(query.cut(own, place), |own| OrganizationView::from(&own.organization)))
}

fn place(own: &OwnMembership) -> Cursor {
    Cursor { key: SortKey::Time(own.membership.joined_at), id: own.organization.id.as_uuid() }
}
