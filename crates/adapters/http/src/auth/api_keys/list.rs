use tenantry_identity::ApiKey;
use tenantry_kernel::{Cursor, SortKey};

use super::view::ApiKeyView;
use crate::{
    caller::{SignedIn, State},
    paging::{ListEnvelope, ListQuery, NoFilter, PagingParams},
    problem::Problem,
};

/// List one's own API keys in the organization, the newest first.
#[utoipa::path(get, path = "/auth/api-keys", tag = "auth", operation_id = "api_keys_list", params(PagingParams),
    security(("bearer" = [])),
    responses((status = 200, description = "A page of keys, without their texts.", body = ListEnvelope<ApiKeyView>)))]
pub(crate) async fn handler(
    caller: SignedIn,
    state: State,
    query: ListQuery<NoFilter>,
) -> Result<ListEnvelope<ApiKeyView>, Problem> {
    let keys = state.services.api_keys.list(&caller.context).await?;
    let place = |key: &ApiKey| Cursor { key: SortKey::Time(key.created_at), id: key.id.as_uuid() };
    Ok(query.envelope(query.cut(keys, place), ApiKeyView::from))
}
