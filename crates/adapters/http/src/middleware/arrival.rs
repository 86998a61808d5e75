use std::time::Instant;

use actix_web::{
    dev::ServiceRequest,
    http::{Method, Uri},
};

use super::{request_id, security_headers::Exposure};
use crate::{options::HttpOptions, provenance::Provenance, scope::RequestScope, state::HttpState};

/// What is remembered of a request until its answer.
pub(super) struct Arrival {
    pub(super) method: Method,
    /// As it was sent.
    pub(super) uri: Uri,
    pub(super) scope: RequestScope,
    pub(super) exposure: Exposure,
    /// Whether a trusted proxy says that the client uses HTTPS.
    pub(super) is_https: bool,
    pub(super) at: Instant,
}

impl Arrival {
    /// Notes a request that is still as it was sent, then changes its path to the one to route by.
    pub(super) fn note(request: &mut ServiceRequest, options: &HttpOptions, state: &HttpState) -> Self {
        let at = Instant::now();
        let method = request.method().clone();
        let uri = request.uri().clone();
        let peer = request.head().peer_addr;
        let Provenance { address, is_https } = Provenance::of(peer, request.headers(), &options.trusted_proxies);
        let scope = RequestScope::new(request_id::choose(request.headers(), state.ids.as_ref()), address);
        super::path::normalize(request);
        let exposure = Exposure::of(request.path(), request.headers(), is_https || options.always_https);
        Self { method, uri, scope, exposure, is_https, at }
    }
}
