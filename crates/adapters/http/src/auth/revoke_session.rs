use actix_web::HttpResponse;
use tenantry_identity::SessionId;
use uuid::Uuid;

use crate::{
    caller::{SignedIn, State},
    fields::PathId,
    problem::Problem,
};

/// End one of one's own sessions.
#[utoipa::path(delete, path = "/auth/sessions/{id}", tag = "auth",
    security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "The session")),
    responses((status = 204, description = "The session has ended.")))]
pub(crate) async fn handler(caller: SignedIn, state: State, PathId(id): PathId<Uuid>) -> Result<HttpResponse, Problem> {
    state.services.accounts.revoke_session(&caller.actor(), SessionId::from_uuid(id)).await?;
    Ok(HttpResponse::NoContent().finish())
}
