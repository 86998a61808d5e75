use actix_web::{HttpResponse, http::header::HeaderValue};

use super::{
    checksum::ALGORITHMS,
    headers::{TUS_CHECKSUM_ALGORITHM, TUS_EXTENSION, TUS_MAX_SIZE, TUS_VERSION, VERSION},
};
use crate::caller::State;

const EXTENSIONS: &str = "creation,termination,checksum";

/// Tell what is spoken of tus, the protocol of resumable uploads.
#[utoipa::path(options, path = "/uploads/tus", tag = "uploads", security(()),
    responses((status = 204, description = "What is spoken.", headers(
        ("Tus-Resumable" = String, description = "`1.0.0`"),
        ("Tus-Version" = String, description = "`1.0.0`"),
        ("Tus-Extension" = String, description = "The extensions"),
        ("Tus-Max-Size" = u64, description = "Bytes of the largest file"),
        ("Tus-Checksum-Algorithm" = String, description = "The algorithms for Upload-Checksum")))))]
pub(crate) async fn handler(state: State) -> HttpResponse {
    HttpResponse::NoContent()
        .insert_header((TUS_VERSION, VERSION))
        .insert_header((TUS_EXTENSION, EXTENSIONS))
        .insert_header((TUS_MAX_SIZE, HeaderValue::from(state.services.direct_uploads.largest_appended())))
        .insert_header((TUS_CHECKSUM_ALGORITHM, ALGORITHMS))
        .finish()
}
