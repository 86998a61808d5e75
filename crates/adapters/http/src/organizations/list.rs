use tenantry_kernel::{Cursor, SortKey};
use tenantry_tenancy::{Organization, OwnMembership};

use super::view::OrganizationView;
use crate::{
    caller::{Caller, State},
    paging::{ListEnvelope, ListQuery, NoFilter, PagingParams},
    problem::Problem,
};

/// List the organizations that the caller belongs to, the newest membership first.
#[utoipa::path(get, path = "/organizations", tag = "organizations", params(PagingParams),
    security(("bearer" = []), ("api_key" = ["organizations:read"])),
    responses((status = 200, description = "A page of organizations.", body = ListEnvelope<OrganizationView>)))]
pub(crate) async fn handler(
    caller: Caller,
    state: State,
    query: ListQuery<NoFilter>,
) -> Result<ListEnvelope<OrganizationView>, Problem> {
    list_as(&caller, &state, &query).await
}

/// The caller's organizations, each as a `V`.
pub(crate) async fn list_as<V>(
    caller: &Caller,
    state: &State,
    query: &ListQuery<NoFilter>,
) -> Result<ListEnvelope<V>, Problem>
where
    V: for<'o> From<&'o Organization>,
{
    let mut own = state.services.entrance.list_own(&caller.actor()).await?;
    own.reverse();
    Ok(query.envelope(query.cut(own, place), |own| V::from(&own.organization)))
}

fn place(own: &OwnMembership) -> Cursor {
    Cursor { key: SortKey::Time(own.membership.joined_at), id: own.organization.id.as_uuid() }
}
