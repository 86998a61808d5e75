use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::Problem;

/// One field or query parameter that was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// Its name, with dots and indices where it is nested: `labels[3]`.
    pub field: String,
    /// What is wrong with it, as a sentence that starts with the name.
    pub error: String,
}

impl FieldError {
    /// `error` fits after the field's name: `must have 1 to 200 characters`.
    pub(crate) fn new(field: String, error: impl fmt::Display) -> Self {
        let error = format!("{field} {error}");
        Self { field, error }
    }
}

/// When, where and to whom a problem happened.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Occurrence<'a> {
    /// The path as it was requested, without the query.
    pub(crate) instance: &'a str,
    pub(crate) request_id: &'a str,
    pub(crate) timestamp: DateTime<Utc>,
}

/// An error (RFC 9457). Members beyond these may follow, with some codes.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemDocument<'a> {
    /// Where this kind of problem is explained.
    #[serde(rename = "type")]
    #[schema(example = "/problems/validation-error")]
    kind: String,
    /// The kind of problem, in words.
    #[schema(example = "Validation failed")]
    title: &'static str,
    /// The HTTP status.
    #[schema(example = 422)]
    status: u16,
    /// What happened this time, in words.
    #[schema(example = "title must have 1 to 200 characters")]
    detail: &'a str,
    /// The path that was requested.
    #[schema(example = "/api/v1/tasks")]
    instance: &'a str,
    /// When it happened.
    #[schema(value_type = String, format = DateTime)]
    timestamp: String,
    /// Finds the request in the logs; absent in what is told the same at every request.
    #[serde(skip_serializing_if = "str::is_empty")]
    #[schema(required = true)]
    request_id: &'a str,
    /// What happened, for programs.
    #[schema(example = "VALIDATION_ERROR")]
    error_code: &'static str,
    /// The same as `detail`.
    message: &'a str,
    /// The first bad field; absent where no field is to blame.
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<&'a FieldError>,
    /// All bad fields, in the order in which the request declares them; absent where no field is to blame.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(value_type = Vec<FieldError>, required = false)]
    errors: &'a [FieldError],
    #[serde(flatten)]
    #[schema(ignore)]
    extensions: &'a Map<String, Value>,
}

impl Problem {
    /// The problem as JSON, as it happened at this occasion.
    pub(crate) fn document<'a>(&'a self, occurrence: Occurrence<'a>) -> ProblemDocument<'a> {
        let code = self.0.code;
        ProblemDocument {
            kind: format!("/problems/{}", code.slug()),
            title: code.title(),
            status: code.status().as_u16(),
            detail: &self.0.detail,
            instance: occurrence.instance,
            timestamp: occurrence.timestamp.to_rfc3339_opts(SecondsFormat::AutoSi, true),
            request_id: occurrence.request_id,
            error_code: code.as_str(),
            message: &self.0.detail,
            details: self.0.errors.first(),
            errors: &self.0.errors,
            extensions: &self.0.extensions,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::problem::ErrorCode;

    fn document(problem: &Problem) -> Value {
        let timestamp = DateTime::from_timestamp(1_769_853_600, 0).unwrap();
        let occurrence = Occurrence { instance: "/api/v1/tasks", request_id: "r-1", timestamp };
        serde_json::to_value(problem.document(occurrence)).unwrap()
    }

    #[test]
    fn has_the_members_of_the_contract() {
        let problem = Problem::validation("title", "must have 1 to 200 characters").with_field("status", "is unknown");
        assert_eq!(
            document(&problem),
            json!({
                "type": "/problems/validation-error", "title": "Validation failed", "status": 422,
                "detail": "title must have 1 to 200 characters", "instance": "/api/v1/tasks",
                "timestamp": "2026-01-31T10:00:00Z", "request_id": "r-1",
                "error_code": "VALIDATION_ERROR", "message": "title must have 1 to 200 characters",
                "details": {"field": "title", "error": "title must have 1 to 200 characters"},
                "errors": [
                    {"field": "title", "error": "title must have 1 to 200 characters"},
                    {"field": "status", "error": "status is unknown"},
                ],
            })
        );
    }

    #[test]
    fn leaves_the_fields_out_where_none_is_to_blame_and_adds_extensions() {
        let problem = Problem::new(ErrorCode::Conflict).with_extension("index", 3);
        let document = document(&problem);
        assert_eq!(document.get("details"), None);
        assert_eq!(document.get("errors"), None);
        assert_eq!(document.get("index"), Some(&json!(3)));
    }
}
