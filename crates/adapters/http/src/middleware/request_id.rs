use actix_web::http::header::{HeaderMap, HeaderName};
use tenantry_kernel::IdGenerator;

pub(super) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id that the client gave the request, if it is a good one, or a new one.
pub(super) fn choose(headers: &HeaderMap, ids: &dyn IdGenerator) -> String {
    let given = headers.get(X_REQUEST_ID).and_then(|value| value.to_str().ok());
    given.filter(|id| is_good(id)).map_or_else(|| ids.next_id().to_string(), str::to_owned)
}

/// 1 to 128 letters, digits, `-`, `_` and `.`: nothing that could forge a line of a log.
fn is_good(id: &str) -> bool {
    (1..=128).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_harmless_ids_only() {
        assert!(is_good("a-B_9.z") && is_good(&"x".repeat(128)));
        for id in ["", "a b", "a\tb", "{\"a\":1}", "é", &"x".repeat(129)] {
            assert!(!is_good(id), "{id:?}");
        }
    }
}
