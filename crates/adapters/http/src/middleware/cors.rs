use actix_cors::Cors;
use actix_web::http::{
    Method,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, ETAG, HeaderName, IF_MATCH, IF_NONE_MATCH, LOCATION, RETRY_AFTER},
};

use crate::{options::HttpOptions, uploads::tus};

/// For how long browsers may remember the answer to a preflight, in seconds.
const PREFLIGHT_SECONDS: usize = 3_600;

/// Lets pages of the configured origins call the API. Credentials are bearer tokens, so no cookies are allowed along.
pub(crate) fn cors(options: &HttpOptions) -> Cors {
    let header = HeaderName::from_static;
    let (sent_by_tus, read_by_tus) = tus::headers_of_pages();
    let cors = Cors::default()
        .allowed_methods([Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allowed_headers([AUTHORIZATION, ACCEPT, CONTENT_TYPE, IF_MATCH, IF_NONE_MATCH])
        .allowed_headers([
            header("idempotency-key"),
            header("last-event-id"),
            header("x-device-token"),
            header("x-organization-id"),
            header("x-request-id"),
        ])
        .allowed_headers(sent_by_tus)
        .expose_headers(read_by_tus)
        .expose_headers([ETAG, LOCATION, RETRY_AFTER])
        .expose_headers([
            header("idempotent-replayed"),
            header("ratelimit"),
            header("ratelimit-policy"),
            header("x-request-id"),
        ])
        .max_age(PREFLIGHT_SECONDS);
    options.allowed_origins.iter().fold(cors, |cors, origin| match origin.as_str() {
        "*" => cors.allow_any_origin().send_wildcard(),
        origin => cors.allowed_origin(origin),
    })
}
