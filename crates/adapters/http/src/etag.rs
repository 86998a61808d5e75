//! Versions of one resource: `ETag`, `If-Match` and `If-None-Match` (RFC 9110, sections 8.8.3 and 13.1).

use std::future::{Ready, ready};

use actix_web::{
    FromRequest, HttpRequest, HttpResponse, Responder,
    body::BoxBody,
    dev::Payload,
    http::{
        Method, StatusCode,
        header::{ETAG, HeaderMap, HeaderName, HeaderValue, IF_MATCH, IF_NONE_MATCH, LOCATION},
    },
};
use serde::Serialize;
use tenantry_kernel::{Precondition, Revision};

use crate::problem::{ErrorCode, Problem};

/// One resource as JSON with its version: 200 or 201 with `ETag`, or 304 when the client has it already.
#[derive(Debug)]
pub struct Tagged<V> {
    revision: Revision,
    /// What else the view depends on, as part of the tag.
    variant: Option<String>,
    view: V,
    status: StatusCode,
    location: Option<String>,
}

impl<V> Tagged<V> {
    /// 200.
    pub fn ok(revision: Revision, view: V) -> Self {
        Self { revision, variant: None, view, status: StatusCode::OK, location: None }
    }

    /// 201 with `Location`.
    pub fn created(revision: Revision, location: impl Into<String>, view: V) -> Self {
        Self { revision, variant: None, view, status: StatusCode::CREATED, location: Some(location.into()) }
    }

    /// The same, of which there are several views with the same revision: `variant`, of letters, digits and hyphens,
    /// tells them apart.
    #[must_use]
    pub fn varied_by(self, variant: String) -> Self {
        Self { variant: Some(variant), ..self }
    }
}

impl<V: Serialize> Responder for Tagged<V> {
    type Body = BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        let tag = match &self.variant {
            Some(variant) => format!("\"{}.{variant}\"", self.revision),
            None => entity_tag(self.revision),
        };
        if is_known(request, &tag) {
            return HttpResponse::NotModified().insert_header((ETAG, tag)).finish();
        }
        let mut answer = HttpResponse::build(self.status);
        answer.insert_header((ETAG, tag));
        if let Some(location) = self.location {
            answer.insert_header((LOCATION, location));
        }
        answer.json(self.view)
    }
}

/// The strong entity tag of a revision: `"3"`.
#[must_use]
pub fn entity_tag(revision: Revision) -> String {
    format!("\"{revision}\"")
}

/// Whether the client reads what it has already, by weak comparison (RFC 9110, section 13.1.2).
fn is_known(request: &HttpRequest, tag: &str) -> bool {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    reads
        && match Tags::parse(request.headers(), &IF_NONE_MATCH) {
            Ok(Tags::Any) => true,
            Ok(Tags::OneOf(tags)) => tags.iter().any(|known| known.opaque == tag),
            Ok(Tags::None) | Err(_) => false,
        }
}

/// What `If-Match` demands of the resource that a request changes. Tags that are weak or not ours match no version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IfMatch(pub Precondition);

impl FromRequest for IfMatch {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Tags::parse(request.headers(), &IF_MATCH).map(|tags| match tags {
            // `*` asks for any version, and only what exists is ever changed.
            Tags::None | Tags::Any => Self(Precondition::None),
            Tags::OneOf(tags) => Self(Precondition::OneOf(tags.iter().filter_map(Tag::revision).collect())),
        }))
    }
}

/// The value of `If-Match` or `If-None-Match`.
enum Tags {
    None,
    Any,
    OneOf(Vec<Tag>),
}

struct Tag {
    weak: bool,
    /// With its quotes.
    opaque: String,
}

impl Tag {
    /// The revision that this tag names; a weak one never matches by strong comparison.
    fn revision(&self) -> Option<Revision> {
        let inner = self.opaque.trim_matches('"');
        let digits = inner.split_once('.').map_or(inner, |(digits, _variant)| digits);
        let revision = Revision::from_stored(digits.parse().ok()?);
        (!self.weak && revision.to_string() == digits).then_some(revision)
    }
}

impl Tags {
    fn parse(headers: &HeaderMap, name: &HeaderName) -> Result<Self, Problem> {
        let values: Vec<&HeaderValue> = headers.get_all(name).collect();
        if values.is_empty() {
            return Ok(Self::None);
        }
        let malformed =
            || Problem::new(ErrorCode::MalformedRequest).with_detail(format!("the header {name} is malformed"));
        let mut tags = Vec::new();
        for value in &values {
            let text = value.to_str().ok().ok_or_else(malformed)?.trim();
            if text == "*" && values.len() == 1 {
                return Ok(Self::Any);
            }
            tags.extend(parse_list(text).ok_or_else(malformed)?);
        }
        Ok(Self::OneOf(tags))
    }
}

/// A list of entity tags, `None` if it is not one. Tags may contain commas.
fn parse_list(text: &str) -> Option<Vec<Tag>> {
    let mut tags = Vec::new();
    let mut rest = text;
    loop {
        let (weak, quoted) = match rest.strip_prefix("W/") {
            Some(quoted) => (true, quoted),
            None => (false, rest),
        };
        let (opaque, after) = quoted.strip_prefix('"')?.split_once('"')?;
        if !opaque.bytes().all(|byte| byte == 0x21 || (0x23..=0x7e).contains(&byte)) {
            return None;
        }
        tags.push(Tag { weak, opaque: format!("\"{opaque}\"") });
        let after = after.trim_start();
        if after.is_empty() {
            return Some(tags);
        }
        rest = after.strip_prefix(',')?.trim_start();
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn precondition(values: &[&str]) -> Result<Precondition, ErrorCode> {
        let request =
            values.iter().fold(TestRequest::patch(), |request, value| request.append_header((IF_MATCH, *value)));
        IfMatch::extract(&request.to_http_request())
            .into_inner()
            .map(|demand| demand.0)
            .map_err(|problem| problem.code())
    }

    fn one_of(revisions: &[i64]) -> Precondition {
        Precondition::OneOf(revisions.iter().copied().map(Revision::from_stored).collect())
    }

    #[test]
    fn reads_if_match() {
        assert_eq!(precondition(&[]), Ok(Precondition::None));
        assert_eq!(precondition(&["*"]), Ok(Precondition::None));
        assert_eq!(precondition(&["\"3\""]), Ok(one_of(&[3])));
        assert_eq!(precondition(&["\"3\" , \"4\"", "\"5\""]), Ok(one_of(&[3, 4, 5])));
        assert_eq!(precondition(&["W/\"3\""]), Ok(one_of(&[])), "weak tags never match");
        assert_eq!(precondition(&["\"a,b\", \"03\""]), Ok(one_of(&[])), "tags that are not ours match nothing");
    }

    #[test]
    fn refuses_what_is_no_list_of_tags() {
        for value in ["", "3", "\"3", "\"3\" \"4\"", "\"3\",", "*, \"3\"", "\"a b\""] {
            assert_eq!(precondition(&[value]), Err(ErrorCode::MalformedRequest), "{value:?}");
        }
    }

    #[test]
    fn a_read_of_the_known_version_is_304() {
        let respond = |request: TestRequest| {
            let request = request.to_http_request();
            Tagged::ok(Revision::from_stored(3), "body").respond_to(&request)
        };
        for known in ["\"3\"", "W/\"3\"", "\"2\", \"3\"", "*"] {
            let answer = respond(TestRequest::get().insert_header((IF_NONE_MATCH, known)));
            assert_eq!(answer.status(), StatusCode::NOT_MODIFIED, "{known}");
            assert_eq!(answer.headers().get(ETAG).unwrap(), "\"3\"");
        }
        let other = respond(TestRequest::get().insert_header((IF_NONE_MATCH, "\"2\"")));
        assert_eq!(other.status(), StatusCode::OK);
        let change = respond(TestRequest::patch().insert_header((IF_NONE_MATCH, "\"3\"")));
        assert_eq!(change.status(), StatusCode::OK);
    }
}
