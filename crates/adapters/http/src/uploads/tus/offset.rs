use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{CACHE_CONTROL, HeaderValue},
};
use tenantry_sync::FileRecordId;
use uuid::Uuid;

use super::{
    headers::{UPLOAD_LENGTH, UPLOAD_METADATA, UPLOAD_OFFSET, require_version},
    metadata::Metadata,
};
use crate::{
    caller::{Caller, State},
    fields::PathId,
    problem::Problem,
};

/// Tell how much of a file has arrived by tus.
#[utoipa::path(head, path = "/uploads/tus/{file_id}", tag = "uploads",
    security(("bearer" = []), ("api_key" = ["sync:write"])),
    params(
        ("file_id" = Uuid, Path, description = "The file"),
        ("Tus-Resumable" = String, Header, description = "`1.0.0`")),
    responses((status = 200, description = "How much has arrived.", headers(
        ("Upload-Offset" = u64, description = "Bytes that have arrived"),
        ("Upload-Length" = u64, description = "Bytes of the file"),
        ("Upload-Metadata" = String, description = "What was declared")))))]
pub(crate) async fn handler(
    caller: Caller,
    state: State,
    PathId(id): PathId<Uuid>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    require_version(&request)?;
    let incoming = state.services.direct_uploads.arrived(&caller.context, FileRecordId::from_uuid(id)).await?;
    Ok(HttpResponse::Ok()
        .insert_header((UPLOAD_OFFSET, HeaderValue::from(incoming.offset())))
        .insert_header((UPLOAD_LENGTH, HeaderValue::from(incoming.size())))
        .insert_header((UPLOAD_METADATA, Metadata::write(incoming.job_id(), &incoming.declaration())))
        .insert_header((CACHE_CONTROL, "no-store"))
        .finish())
}
