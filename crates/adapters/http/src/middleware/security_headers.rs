use std::time::Duration;

use actix_web::http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, COOKIE, HeaderMap, HeaderValue, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};

use crate::{operations::API_PREFIX, options::HttpOptions};

/// What a request says about the headers of its answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Exposure {
    /// It carried credentials, or is about them.
    confidential: bool,
    /// Its client uses HTTPS.
    https: bool,
}

impl Exposure {
    /// `path` is the one that was routed by; `https` tells whether the client uses HTTPS.
    pub(super) fn of(path: &str, headers: &HeaderMap, https: bool) -> Self {
        let about_credentials =
            path.strip_prefix(API_PREFIX).is_some_and(|path| path == "/auth" || path.starts_with("/auth/"));
        Self {
            confidential: about_credentials || headers.contains_key(AUTHORIZATION) || headers.contains_key(COOKIE),
            https,
        }
    }

    /// Adds the headers to an answer; pages that set a policy of their own keep it.
    pub(super) fn protect(self, headers: &mut HeaderMap, options: &HttpOptions) {
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        if !headers.contains_key(CONTENT_SECURITY_POLICY) {
            let nothing = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
            headers.insert(CONTENT_SECURITY_POLICY, nothing);
        }
        let is_stored = |value: &HeaderValue| !value.to_str().is_ok_and(|value| value.starts_with("no-store"));
        if self.confidential && headers.get(CACHE_CONTROL).is_none_or(is_stored) {
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
        let lifetime = options.strict_transport_security;
        if self.https
            && lifetime > Duration::ZERO
            && let Ok(value) = HeaderValue::try_from(format!("max-age={}; includeSubDomains", lifetime.as_secs()))
        {
            headers.insert(STRICT_TRANSPORT_SECURITY, value);
        }
    }
}
