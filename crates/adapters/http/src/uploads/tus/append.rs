use actix_web::{HttpRequest, HttpResponse, http::header::HeaderValue, rt, web::Payload};
use tenantry_sync::{FileRecordId, SyncError};
use tracing::Instrument as _;
use uuid::Uuid;

use super::{
    checksum::Checksum,
    headers::{UPLOAD_OFFSET, announced, bytes, require_bytes, require_version},
    intake::Intake,
    sender::Sender,
};
use crate::{
    caller::{Caller, State},
    fields::PathId,
    problem::Problem,
    scope::RequestScope,
};

/// Send bytes of a file by tus, from where those end that have arrived.
///
/// With the last byte the file is put in its place, compared with the checksum that was declared, and recorded. Where
/// the connection breaks, or its sender may send no longer, what has arrived stays, unless the request has an
/// Upload-Checksum.
#[utoipa::path(patch, path = "/uploads/tus/{file_id}", tag = "uploads",
    security(("bearer" = []), ("api_key" = ["sync:write"])),
    params(
        ("file_id" = Uuid, Path, description = "The file"),
        ("Tus-Resumable" = String, Header, description = "`1.0.0`"),
        ("Upload-Offset" = u64, Header, description = "Bytes that have arrived, as HEAD tells; 409 otherwise"),
        ("Upload-Checksum" = Option<String>, Header, description = "Algorithm, space, and the checksum of this body in \
            base64; 460 where it is not so, and nothing of it stays")),
    request_body(content_type = "application/offset+octet-stream"),
    responses((status = 204, description = "They have arrived.", headers(
        ("Upload-Offset" = u64, description = "Bytes that have arrived now")))))]
pub(crate) async fn handler(
    caller: Caller,
    state: State,
    PathId(id): PathId<Uuid>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    require_version(&request)?;
    require_bytes(&request)?;
    let (offset, checksum) = (bytes(&request, &UPLOAD_OFFSET)?, Checksum::of(&request)?);
    let incoming = state.services.direct_uploads.receive(&caller.context, FileRecordId::from_uuid(id), offset).await?;
    if announced(&request)?.is_some_and(|length| length > incoming.remaining()) {
        return Err(SyncError::TooLong.into());
    }
    if let Some(scope) = RequestScope::of(&request) {
        scope.set_takes_its_time();
    }
    let sender = Sender::of(&request, caller)?;
    let intake = Intake { state, sender, request, payload: payload.into_inner() };
    // Beside the connection, so that what has arrived is kept when that breaks.
    let taking = async move {
        match checksum {
            Some(checksum) => intake.take_checked(incoming, checksum).await,
            None => intake.take(incoming).await,
        }
    };
    let offset = rt::spawn(taking.in_current_span()).await.map_err(|error| Problem::internal(&error))??;
    Ok(HttpResponse::NoContent().insert_header((UPLOAD_OFFSET, HeaderValue::from(offset))).finish())
}
