use actix_web::{HttpRequest, HttpResponse, http::header::LOCATION};
use tenantry_sync::{Declaration, DeclarationError};

use super::{
    headers::{UPLOAD_LENGTH, announced, bytes, require_version},
    metadata::Metadata,
};
use crate::{
    caller::{Caller, State},
    operations::API_PREFIX,
    problem::{ErrorCode, Problem},
};

/// Declare a file of a direct upload that is to be sent by tus.
///
/// Doing it again for the same path answers the same upload. A file that the store has already, by the size and
/// checksum that are given, is complete at once, as HEAD tells.
#[utoipa::path(post, path = "/uploads/tus", tag = "uploads",
    security(("bearer" = []), ("api_key" = ["sync:write"])),
    params(
        ("Tus-Resumable" = String, Header, description = "`1.0.0`"),
        ("Upload-Length" = u64, Header, description = "Bytes of the file"),
        ("Upload-Metadata" = String, Header, description = "`job_id`, `path` and, if wanted, `crc64nvme` (as S3 writes \
            it), each with its value in base64")),
    responses((status = 201, description = "The upload is at `Location`.", headers(
        ("Location" = String, description = "Where to send the bytes")))))]
pub(crate) async fn handler(caller: Caller, state: State, request: HttpRequest) -> Result<HttpResponse, Problem> {
    require_version(&request)?;
    let size = bytes(&request, &UPLOAD_LENGTH)?;
    if announced(&request)?.is_some_and(|length| length > 0) {
        return Err(
            Problem::new(ErrorCode::MalformedRequest).with_detail("bytes are sent to the upload, once it is made")
        );
    }
    let Metadata { job_id, path, checksum } = Metadata::of(&request)?;
    let declaration = Declaration { path, size, checksum };
    let file_id = state.services.direct_uploads.expect(&caller.context, job_id, declaration).await?;
    let file_id = file_id.map_err(refused)?;
    let location = format!("{API_PREFIX}/uploads/tus/{file_id}");
    Ok(HttpResponse::Created().insert_header((LOCATION, location)).finish())
}

fn refused(error: DeclarationError) -> Problem {
    match error {
        DeclarationError::TooLarge => {
            Problem::new(ErrorCode::PayloadTooLarge).with_detail("the file is larger than Tus-Max-Size")
        }
        DeclarationError::Checksum | DeclarationError::ChecksumNeeded => Problem::validation("crc64nvme", error),
        DeclarationError::Path | DeclarationError::Key(_) | DeclarationError::Twice => {
            Problem::validation("path", error)
        }
    }
}
