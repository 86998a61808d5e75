use actix_web::{
    dev::ServiceRequest,
    http::{Uri, uri::PathAndQuery},
};

use crate::operations::API_PREFIX;

/// The prefix that stands for [`API_PREFIX`].
const UNVERSIONED: &str = "/api";

/// Lets `/api/…` lead where `/api/v1/…` leads, and tolerates one trailing slash.
pub(super) fn normalize(request: &mut ServiceRequest) {
    let Some(uri) = normalized(request.uri()) else { return };
    request.match_info_mut().get_mut().update(&uri);
    request.head_mut().uri = uri;
}

/// The URI to route by, if it is another.
fn normalized(uri: &Uri) -> Option<Uri> {
    let path = uri.path();
    let trimmed = path.strip_suffix('/').filter(|trimmed| !trimmed.is_empty()).unwrap_or(path);
    let rest = trimmed.strip_prefix(UNVERSIONED).filter(|rest| rest.starts_with('/') && !is_versioned(trimmed));
    if rest.is_none() && trimmed.len() == path.len() {
        return None;
    }
    let mut text = rest.map_or_else(|| trimmed.to_owned(), |rest| format!("{API_PREFIX}{rest}"));
    if let Some(query) = uri.query() {
        text.push('?');
        text.push_str(query);
    }
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(text).ok()?);
    Uri::from_parts(parts).ok()
}

fn is_versioned(path: &str) -> bool {
    path.strip_prefix(API_PREFIX).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route_by(uri: &'static str) -> String {
        let uri = Uri::from_static(uri);
        normalized(&uri).unwrap_or(uri).to_string()
    }

    #[test]
    fn adds_the_version_once_and_drops_one_slash() {
        let cases = [
            ("/api/tasks", "/api/v1/tasks"),
            ("/api/tasks/?page=2&q=/api/", "/api/v1/tasks?page=2&q=/api/"),
            ("/api/v1/tasks/", "/api/v1/tasks"),
            ("/api/v1/tasks//", "/api/v1/tasks/"),
            ("/api/v1", "/api/v1"),
            ("/api/v1x/tasks", "/api/v1/v1x/tasks"),
            ("/apiary", "/apiary"),
            ("/api", "/api"),
            ("/health/", "/health"),
            ("/", "/"),
            ("/api/t%2F/", "/api/v1/t%2F"),
        ];
        for (sent, routed) in cases {
            assert_eq!(route_by(sent), routed, "{sent}");
        }
    }
}
