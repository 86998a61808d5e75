//! How many requests are too many: by address before anything is done, and by user and organisation once they are known.

use std::{net::IpAddr, num::NonZeroU32};

use actix_web::{
    Error, HttpRequest,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method,
        header::{HeaderMap, HeaderName, HeaderValue},
    },
    middleware::Next,
};
use tenantry_application::{RateKey, RateRule, RateState};
use tenantry_tenancy::TenantContext;

use super::admission::is_unsafe;
use crate::{
    operations::API_PREFIX,
    options::HttpOptions,
    problem::{ErrorCode, Problem},
    scope::RequestScope,
    state::HttpState,
    uploads::tus,
};

static RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
static RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// The bits of an IPv6 address that tell one network from another: whoever has one address of it has all.
const NETWORK_BITS: u32 = 64;

/// Refuses the request of an address that sends too many: within CORS, and as an answer rather than an error, which CORS
/// would leave without its headers, so that pages can read why.
pub(crate) async fn by_address(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    if let Some(keys) = keys_of_address(&request) {
        let cost = cost(request.request());
        if let Err(problem) = take(request.request(), &keys, cost).await {
            let (request, _) = request.into_parts();
            return Ok(ServiceResponse::from_err(problem, request).map_into_right_body());
        }
    }
    next.call(request).await.map(ServiceResponse::map_into_left_body)
}

/// Refuses the request of a user who sends too many, or in an organisation that gets too many.
pub(crate) async fn by_caller(request: &HttpRequest, context: &TenantContext) -> Result<(), Problem> {
    // Files are counted when they are declared.
    if tus::is_one_upload(request.path()) {
        return Ok(());
    }
    let cost = cost(request);
    let organization = RateKey { rule: RateRule::Organization, subject: context.organization_id().as_uuid().as_u128() };
    let user = context.actor().user_id();
    let user = user.map(|id| RateKey { rule: RateRule::User, subject: id.as_uuid().as_u128() });
    match user {
        Some(user) => take(request, &[user, organization], cost).await,
        None => take(request, &[organization], cost).await,
    }
}

/// Adds the standard headers to the answer (draft-ietf-httpapi-ratelimit-headers): of the rule that leaves least room.
pub(super) fn describe(state: &RateState, headers: &mut HeaderMap) {
    let RateState { rule, quota, remaining, .. } = state;
    let name = rule.as_str();
    let reset = whole_seconds(state.retry_after.unwrap_or_else(|| state.until_full()));
    for (header, value) in [
        (&RATE_LIMIT_POLICY, format!("\"{name}\";q={quota};w=60")),
        (&RATE_LIMIT, format!("\"{name}\";r={remaining};t={reset}")),
    ] {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(header.clone(), value);
        }
    }
}

async fn take(request: &HttpRequest, keys: &[RateKey], cost: NonZeroU32) -> Result<(), Problem> {
    let Some(state) = HttpState::of(request)?.rate_limits.take(keys, cost).await else { return Ok(()) };
    if let Some(scope) = RequestScope::of(request) {
        scope.note_rate(state);
    }
    match state.retry_after {
        None => Ok(()),
        Some(wait) => Err(Problem::new(ErrorCode::RateLimited).with_retry_after(whole_seconds(wait))),
    }
}

/// What an address is counted by; `None` for what is not counted: health, documents, and metrics, which machines ask
/// for, and preflights, which a browser sends by itself.
fn keys_of_address(request: &ServiceRequest) -> Option<Vec<RateKey>> {
    let path = request.path().strip_prefix(API_PREFIX)?;
    let is_counted = *request.method() != Method::OPTIONS && !path.starts_with("/health") && path != "/openapi.json";
    let subject = network(RequestScope::of(request.request())?.address()?);
    is_counted.then(|| {
        if tus::is_one_upload(request.path()) {
            return vec![RateKey { rule: RateRule::Upload, subject }];
        }
        let mut keys = vec![RateKey { rule: RateRule::Address, subject }];
        if path.starts_with("/auth/") && is_unsafe(request.method()) {
            keys.push(RateKey { rule: RateRule::SignIn, subject });
        }
        keys
    })
}

fn network(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits() >> NETWORK_BITS << NETWORK_BITS,
    }
}

/// A read is cheaper than what changes something, but for the bytes of files.
fn cost(request: &HttpRequest) -> NonZeroU32 {
    let is_dear = is_unsafe(request.method()) && !tus::is_one_upload(request.path());
    if is_dear { HttpOptions::of(request).write_cost } else { NonZeroU32::MIN }
}

fn whole_seconds(duration: std::time::Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn addresses_of_one_network_count_as_one() {
        let network = |text: &str| network(text.parse().unwrap());
        assert_eq!(network("2001:db8::1"), network("2001:db8::ffff:1"));
        assert_ne!(network("2001:db8::1"), network("2001:db8:0:1::1"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
    }

    #[test]
    fn the_headers_name_the_rule() {
        let quota = NonZeroU32::new(600).unwrap();
        let state = RateState { rule: RateRule::Address, quota, remaining: 590, retry_after: None };
        let mut headers = HeaderMap::new();
        describe(&state, &mut headers);
        assert_eq!(headers.get("ratelimit").unwrap(), "\"address\";r=590;t=1");
        assert_eq!(headers.get("ratelimit-policy").unwrap(), "\"address\";q=600;w=60");
        describe(&RateState { remaining: 0, retry_after: Some(Duration::from_millis(1_500)), ..state }, &mut headers);
        assert_eq!(headers.get("ratelimit").unwrap(), "\"address\";r=0;t=2");
    }
}
