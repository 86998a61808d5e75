use actix_web::{
    HttpResponse,
    http::{
        Method, Uri,
        header::{AUTHORIZATION, HeaderMap, HeaderName, LOCATION, ORIGIN},
    },
};

use super::arrival::Arrival;
use crate::{
    operations::API_PREFIX,
    options::HttpOptions,
    problem::{ErrorCode, Problem},
};

static SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The answer to a request that nobody has to look at: one that came in the clear, or that a page of somebody else sent.
pub(super) fn refuse(
    arrival: &Arrival,
    path: &str,
    headers: &HeaderMap,
    options: &HttpOptions,
) -> Option<HttpResponse> {
    if let Some(origin) = &options.https_origin
        && !arrival.is_https
        && !is_for_machines(path)
    {
        return Some(in_the_clear(&arrival.method, &arrival.uri, headers, origin));
    }
    if is_unsafe(&arrival.method) && is_cross_site(headers) && !is_allowed_origin(headers, options) {
        let problem = Problem::new(ErrorCode::Forbidden).with_detail("pages of this origin may not call the API");
        return Some(HttpResponse::from_error(problem));
    }
    None
}

/// Load balancers and Prometheus ask from within, past the proxy that ends TLS.
fn is_for_machines(path: &str) -> bool {
    let path = path.strip_prefix(API_PREFIX).unwrap_or(path);
    path == "/health" || path.starts_with("/health/") || path == "/metrics"
}

/// Pages are sent on to HTTPS. What has credentials or changes something is refused, so that a client that is set up
/// wrong is noticed at once rather than at every request's second try.
fn in_the_clear(method: &Method, uri: &Uri, headers: &HeaderMap, origin: &str) -> HttpResponse {
    let may_follow = matches!(*method, Method::GET | Method::HEAD) && !headers.contains_key(AUTHORIZATION);
    let target = uri.path_and_query().map_or("/", |path| path.as_str());
    if may_follow {
        return HttpResponse::PermanentRedirect().insert_header((LOCATION, format!("{origin}{target}"))).finish();
    }
    let problem = Problem::new(ErrorCode::Forbidden)
        .with_detail("use HTTPS: what was sent in the clear, a password or token too, may have been read on its way");
    HttpResponse::from_error(problem)
}

pub(super) fn is_unsafe(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Whether a browser says that a page of another origin sends this. What is no browser says nothing.
fn is_cross_site(headers: &HeaderMap) -> bool {
    headers.get(&SEC_FETCH_SITE).is_some_and(|site| site == "cross-site" || site == "same-site")
}

fn is_allowed_origin(headers: &HeaderMap, options: &HttpOptions) -> bool {
    let origin = headers.get(ORIGIN).and_then(|origin| origin.to_str().ok());
    origin.is_some_and(|origin| options.allowed_origins.iter().any(|allowed| allowed == origin || allowed == "*"))
}
