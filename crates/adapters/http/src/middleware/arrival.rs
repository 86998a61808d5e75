use std::time::Instant;

use actix_web::{
    dev::ServiceRequest,
    http::{Method, Uri},
};

use super::{request_id, security_headers::Exposure};
use crate::{options::HttpOptions, provenance::Provenance, scope::RequestScope, state::HttpState, uploads::tus};

/// What is remembered of a request until its answer.
pub(super) struct Arrival {
    pub(super) method: Method,
    /// As it was sent.
    pub(super) uri: Uri,
    pub(super) scope: RequestScope,
    pub(super) exposure: Exposure,
    /// Whether its answer says which version of tus is spoken.
    pub(super) speaks_tus: bool,
    /// Whether a trusted proxy says that the client uses HTTPS.
    pub(super) is_https: bool,
    pub(super) at: Instant,
}

impl Arrival {
    /// Notes a request that is still as it was sent, then changes its path and method to those to route by.
    pub(super) fn note(request: &mut ServiceRequest, options: &HttpOptions, state: &HttpState) -> Self {
        let at = Instant::now();
        let uri = request.uri().clone();
        let peer = request.head().peer_addr;
        let Provenance { address, is_https } = Provenance::of(peer, request.headers(), &options.trusted_proxies);
        let scope = RequestScope::new(request_id::choose(request.headers(), state.ids.as_ref()), address);
        super::path::normalize(request);
        tus::override_method(request);
        let method = request.method().clone();
        let speaks_tus = tus::is_spoken_at(request.path());
        let exposure = Exposure::of(request.path(), request.headers(), is_https || options.always_https);
        Self { method, uri, scope, exposure, speaks_tus, is_https, at }
    }
}
