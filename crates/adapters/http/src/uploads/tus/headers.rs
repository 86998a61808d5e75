//! The headers of the protocol.

use actix_web::{
    HttpRequest,
    dev::ServiceRequest,
    http::{
        Method,
        header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
    },
};

use crate::{
    operations::API_PREFIX,
    problem::{ErrorCode, Problem},
};

pub(super) const TUS_RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
pub(super) const TUS_VERSION: HeaderName = HeaderName::from_static("tus-version");
pub(super) const TUS_EXTENSION: HeaderName = HeaderName::from_static("tus-extension");
pub(super) const TUS_MAX_SIZE: HeaderName = HeaderName::from_static("tus-max-size");
pub(super) const TUS_CHECKSUM_ALGORITHM: HeaderName = HeaderName::from_static("tus-checksum-algorithm");
pub(super) const UPLOAD_OFFSET: HeaderName = HeaderName::from_static("upload-offset");
pub(super) const UPLOAD_LENGTH: HeaderName = HeaderName::from_static("upload-length");
pub(super) const UPLOAD_METADATA: HeaderName = HeaderName::from_static("upload-metadata");
pub(super) const UPLOAD_CHECKSUM: HeaderName = HeaderName::from_static("upload-checksum");
const X_HTTP_METHOD_OVERRIDE: HeaderName = HeaderName::from_static("x-http-method-override");

/// The version that is spoken.
pub(super) const VERSION: HeaderValue = HeaderValue::from_static("1.0.0");

/// The media type of bytes of a file.
const OFFSET_OCTET_STREAM: &str = "application/offset+octet-stream";

/// The collection of uploads, below the prefix of the API.
const COLLECTION: &str = "/uploads/tus";

/// Whether the protocol is spoken at this path, as it is routed by.
pub(crate) fn is_spoken_at(path: &str) -> bool {
    let below = path.strip_prefix(API_PREFIX).and_then(|path| path.strip_prefix(COLLECTION));
    below.is_some_and(|below| below.is_empty() || below.starts_with('/'))
}

/// Whether a request to this path is about the bytes of one file.
pub(crate) fn is_one_upload(path: &str) -> bool {
    let below = path.strip_prefix(API_PREFIX).and_then(|path| path.strip_prefix(COLLECTION));
    below.and_then(|below| below.strip_prefix('/')).is_some_and(|id| !id.is_empty())
}

/// Says in an answer which version is spoken.
pub(crate) fn describe(headers: &mut HeaderMap) {
    headers.insert(TUS_RESUMABLE, VERSION);
}

/// The headers that pages of other origins may send, and those that they may read.
pub(crate) fn headers_of_pages() -> ([HeaderName; 6], [HeaderName; 8]) {
    let sent = [TUS_RESUMABLE, UPLOAD_OFFSET, UPLOAD_LENGTH, UPLOAD_METADATA, UPLOAD_CHECKSUM, X_HTTP_METHOD_OVERRIDE];
    let read = [
        TUS_RESUMABLE,
        TUS_VERSION,
        TUS_EXTENSION,
        TUS_MAX_SIZE,
        TUS_CHECKSUM_ALGORITHM,
        UPLOAD_OFFSET,
        UPLOAD_LENGTH,
        UPLOAD_METADATA,
    ];
    (sent, read)
}

/// Takes a POST for the PATCH or DELETE that it stands for, where something between client and server lets neither pass.
pub(crate) fn override_method(request: &mut ServiceRequest) {
    if request.method() != Method::POST || !is_spoken_at(request.path()) {
        return;
    }
    let meant = request.headers().get(X_HTTP_METHOD_OVERRIDE).map(HeaderValue::as_bytes);
    let meant = [Method::PATCH, Method::DELETE].into_iter().find(|method| meant == Some(method.as_str().as_bytes()));
    if let Some(method) = meant {
        request.head_mut().method = method;
    }
}

/// Refuses a client that speaks another version.
pub(super) fn require_version(request: &HttpRequest) -> Result<(), Problem> {
    if request.headers().get(TUS_RESUMABLE) == Some(&VERSION) {
        return Ok(());
    }
    Err(Problem::new(ErrorCode::PreconditionFailed)
        .with_detail("Tus-Resumable must be 1.0.0: no other version of the protocol is spoken here")
        .with_header(TUS_VERSION, VERSION))
}

/// Refuses a body that does not claim to be bytes of a file as they are.
pub(super) fn require_bytes(request: &HttpRequest) -> Result<(), Problem> {
    let header = |name| request.headers().get(name).map(|value| value.to_str().unwrap_or_default());
    let encoding = header(CONTENT_ENCODING).unwrap_or("identity");
    let is_plain = encoding.trim().eq_ignore_ascii_case("identity");
    if is_plain && header(CONTENT_TYPE).is_some_and(|value| value.trim().eq_ignore_ascii_case(OFFSET_OCTET_STREAM)) {
        return Ok(());
    }
    let detail = format!("the body must be sent as {OFFSET_OCTET_STREAM}, without a content encoding");
    Err(Problem::new(ErrorCode::UnsupportedMediaType).with_detail(detail))
}

/// A header that is a number of bytes.
pub(super) fn bytes(request: &HttpRequest, name: &HeaderName) -> Result<u64, Problem> {
    let value = request.headers().get(name).and_then(|value| value.to_str().ok());
    let is_number = |value: &&str| !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    value.filter(is_number).and_then(|value| value.parse().ok()).ok_or_else(|| {
        Problem::new(ErrorCode::MalformedRequest).with_detail(format!("the header {name} must be a number of bytes"))
    })
}

/// How long the body is, where the request says so.
pub(super) fn announced(request: &HttpRequest) -> Result<Option<u64>, Problem> {
    let is_announced = request.headers().contains_key(CONTENT_LENGTH);
    is_announced.then(|| bytes(request, &CONTENT_LENGTH)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_protocol_is_spoken_at_its_collection_and_below() {
        for (path, expected) in [
            ("/api/v1/uploads/tus", true),
            ("/api/v1/uploads/tus/0199a000-0000-7000-8000-000000000000", true),
            ("/api/v1/uploads/tusk", false),
            ("/api/v1/uploads/direct", false),
            ("/uploads/tus", false),
        ] {
            assert_eq!(is_spoken_at(path), expected, "{path}");
        }
    }
}
