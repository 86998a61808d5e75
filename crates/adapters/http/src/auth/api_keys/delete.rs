use actix_web::HttpResponse;
use tenantry_identity::ApiKeyId;
use uuid::Uuid;

use crate::{
    caller::{SignedIn, State},
    fields::PathId,
    problem::Problem,
};

/// Delete one of one's own API keys. It is dead at once.
#[utoipa::path(delete, path = "/auth/api-keys/{id}", tag = "auth", operation_id = "api_keys_delete",
    security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "The key")),
    responses((status = 204, description = "The key is gone.")))]
pub(crate) async fn handler(caller: SignedIn, state: State, PathId(id): PathId<Uuid>) -> Result<HttpResponse, Problem> {
    state.services.api_keys.delete(&caller.context, ApiKeyId::from_uuid(id)).await?;
    Ok(HttpResponse::NoContent().finish())
}
