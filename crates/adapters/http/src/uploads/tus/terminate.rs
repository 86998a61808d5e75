use actix_web::{HttpRequest, HttpResponse};
use tenantry_sync::FileRecordId;
use uuid::Uuid;

use super::headers::require_version;
use crate::{
    caller::{Caller, State},
    fields::PathId,
    problem::Problem,
};

/// Give up a file that was to be sent by tus: what has arrived of it goes.
#[utoipa::path(delete, path = "/uploads/tus/{file_id}", tag = "uploads",
    security(("bearer" = []), ("api_key" = ["sync:write"])),
    params(
        ("file_id" = Uuid, Path, description = "The file"),
        ("Tus-Resumable" = String, Header, description = "`1.0.0`")),
    responses((status = 204, description = "It is given up.")))]
pub(crate) async fn handler(
    caller: Caller,
    state: State,
    PathId(id): PathId<Uuid>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    require_version(&request)?;
    state.services.direct_uploads.give_up(&caller.context, FileRecordId::from_uuid(id)).await?;
    Ok(HttpResponse::NoContent().finish())
}
