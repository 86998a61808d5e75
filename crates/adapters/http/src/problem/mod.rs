//! Problems: the one form of every error answer (RFC 9457).

mod code;
mod document;
mod domain;
mod page;

use std::{borrow::Cow, error::Error, fmt};

use actix_web::{
    HttpResponse, ResponseError,
    http::{
        StatusCode,
        header::{HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE},
    },
};
use serde_json::{Map, Value};
use tenantry_kernel::StorageError;

pub use self::code::ErrorCode;
pub(crate) use self::document::Occurrence;
pub use self::document::{FieldError, ProblemDocument};
pub(crate) use self::domain::{failed_reading, link_invalid, wrong_password};
pub(crate) use self::page::{__path_explain, explain};

/// The media type of problems.
pub(crate) const MEDIA_TYPE: &str = "application/problem+json";

/// An error as a client sees it. Handlers return it as their error.
///
/// What belongs to the occasion (`instance`, `timestamp`, `request_id`) is filled in for every problem in one place,
/// so a handler names only what went wrong. Never put SQL, a path of the server or a secret into one.
#[derive(Debug, Clone)]
pub struct Problem(Box<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    code: ErrorCode,
    detail: Cow<'static, str>,
    errors: Vec<FieldError>,
    extensions: Map<String, Value>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Problem {
    /// A problem with this code, explained as its page explains it.
    #[must_use]
    pub fn new(code: ErrorCode) -> Self {
        Self(Box::new(Inner {
            code,
            detail: Cow::Borrowed(code.explanation()),
            errors: Vec::new(),
            extensions: Map::new(),
            headers: Vec::new(),
        }))
    }

    /// The same with a text of its own: lower case, without a full stop.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.0.detail = detail.into();
        self
    }

    /// The same with one more field to blame; `error` fits after the field's name (`must have 1 to 200 characters`).
    #[must_use]
    pub fn with_field(mut self, field: impl Into<String>, error: impl fmt::Display) -> Self {
        let blame = FieldError::new(field.into(), error);
        if self.0.errors.is_empty() {
            self.0.detail = Cow::Owned(blame.error.clone());
        }
        self.0.errors.push(blame);
        self
    }

    /// The same with one more member of this problem's own (RFC 9457, section 3.2).
    #[must_use]
    pub fn with_extension(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.extensions.insert(name.to_owned(), value.into());
        self
    }

    /// The same with one more header.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }

    /// The same with `Retry-After`, in seconds.
    #[must_use]
    pub fn with_retry_after(self, seconds: u64) -> Self {
        self.with_header(RETRY_AFTER, HeaderValue::from(seconds))
    }

    /// One field or parameter has a value that is not allowed.
    #[must_use]
    pub fn validation(field: impl Into<String>, error: impl fmt::Display) -> Self {
        Self::new(ErrorCode::ValidationError).with_field(field, error)
    }

    /// Absent, or not visible.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(ErrorCode::NotFound)
    }

    /// A fault of ours: `error` and its sources go to the log, the client learns only that it happened.
    #[must_use]
    pub fn internal(error: &(dyn Error + 'static)) -> Self {
        tracing::error!(error = %Chain(error), "request failed");
        Self::new(ErrorCode::InternalError)
    }

    /// What it is.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        self.0.code
    }

    /// The text for people.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// The fields to blame, in the order in which the request declares them.
    #[must_use]
    pub fn errors(&self) -> &[FieldError] {
        &self.0.errors
    }

    /// A header that answers with this status must have, with its value where the problem set none.
    fn obligatory_header(&self) -> Option<(HeaderName, HeaderValue)> {
        match self.0.code.status() {
            StatusCode::UNAUTHORIZED => Some((WWW_AUTHENTICATE, challenge(self.0.code))),
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                Some((RETRY_AFTER, HeaderValue::from_static("1")))
            }
            _ => None,
        }
    }
}

/// The challenge of a 401 (RFC 6750, section 3): a token that was refused is named as the reason.
fn challenge(code: ErrorCode) -> HeaderValue {
    match code {
        ErrorCode::TokenInvalid
        | ErrorCode::TokenExpired
        | ErrorCode::SessionRevoked
        | ErrorCode::MembershipChanged => {
            HeaderValue::from_static("Bearer realm=\"tenantry\", error=\"invalid_token\"")
        }
        _ => HeaderValue::from_static("Bearer realm=\"tenantry\""),
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.0.code.as_str(), self.0.detail)
    }
}

impl Error for Problem {}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.0.code.status()
    }

    /// Status and headers; the body is written by the outermost middleware, which knows the request.
    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::new(self.status_code());
        let headers = response.headers_mut();
        for (name, value) in &self.0.headers {
            headers.append(name.clone(), value.clone());
        }
        if let Some((name, value)) = self.obligatory_header()
            && !headers.contains_key(&name)
        {
            headers.insert(name, value);
        }
        response
    }
}

impl From<StorageError> for Problem {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Unavailable(_) | StorageError::Serialization(_) => {
                tracing::warn!(error = %Chain(&error), "the store could not answer");
                Self::new(ErrorCode::Unavailable)
            }
            StorageError::Corrupt(_) | StorageError::Internal(_) => Self::internal(&error),
        }
    }
}

/// An error with its sources, on one line.
struct Chain<'a>(&'a (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            write!(formatter, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_401_challenges_and_every_429_and_503_says_when_to_retry() {
        for code in ErrorCode::ALL {
            let response = Problem::new(*code).error_response();
            assert_eq!(response.status(), code.status());
            let unauthorized = code.status() == StatusCode::UNAUTHORIZED;
            assert_eq!(response.headers().contains_key(WWW_AUTHENTICATE), unauthorized, "{code:?}");
            let retry = matches!(code.status().as_u16(), 429 | 503);
            assert_eq!(response.headers().contains_key(RETRY_AFTER), retry, "{code:?}");
        }
    }

    #[test]
    fn a_retry_after_of_its_own_is_kept() {
        let response = Problem::new(ErrorCode::RateLimited).with_retry_after(17).error_response();
        let values: Vec<_> = response.headers().get_all(RETRY_AFTER).collect();
        assert_eq!(values, ["17"]);
    }

    #[test]
    fn the_first_bad_field_is_the_text() {
        let problem = Problem::validation("title", "is required").with_field("labels[3]", "must be a string");
        assert_eq!(problem.detail(), "title is required");
        assert_eq!(problem.errors().len(), 2);
    }

    #[test]
    fn what_the_store_says_stays_in_the_log() {
        let secret = "relation \"users\" does not exist at /srv/db";
        let problem = Problem::from(StorageError::Internal(secret.into()));
        assert_eq!(problem.code(), ErrorCode::InternalError);
        assert!(!problem.to_string().contains("users"));
        let busy = Problem::from(StorageError::Unavailable(secret.into()));
        assert_eq!(busy.code(), ErrorCode::Unavailable);
        assert!(!busy.to_string().contains("users"));
    }
}
