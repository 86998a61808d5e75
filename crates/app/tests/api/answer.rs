//! What comes back, with the checks that every answer has to stand.

use reqwest::Response;
use reqwest::header::HeaderMap;
use serde_json::Value;

/// An answer that has arrived completely.
#[derive(Debug)]
pub struct Answer {
    /// What was asked, for messages.
    pub asked: String,
    pub status: u16,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
}

impl Answer {
    pub async fn of(asked: String, response: Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.bytes().await.unwrap_or_else(|error| panic!("{asked}: {error}")).to_vec();
        Self { asked, status, headers, bytes }
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// The header's value, empty where there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn is_without_body(&self) -> bool {
        self.asked.starts_with("HEAD ")
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|error| panic!("{self}: {error}"))
    }

    /// The JSON of an answer with this status.
    #[track_caller]
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self}");
        if self.bytes.is_empty() { Value::Null } else { self.json() }
    }

    /// The problem of an answer with this status and code, which has to have all members of one. An answer to HEAD has no
    /// body.
    #[track_caller]
    pub fn refused(&self, status: u16, code: &str) -> Value {
        let problem = self.problem();
        if self.is_without_body() {
            assert_eq!(self.status, status, "{self}");
            return problem;
        }
        assert_eq!((self.status, problem["error_code"].as_str().unwrap()), (status, code), "{self}");
        problem
    }

    /// The same, where this field is the first to blame.
    #[track_caller]
    pub fn blames(&self, status: u16, code: &str, field: &str) -> Value {
        let problem = self.refused(status, code);
        assert_eq!(problem["details"]["field"], field, "{self}");
        problem
    }

    /// The problem, whichever it is.
    #[track_caller]
    pub fn problem(&self) -> Value {
        assert_eq!(self.header("content-type"), "application/problem+json", "{self}");
        if self.is_without_body() {
            assert!(self.bytes.is_empty() && !self.header("x-request-id").is_empty(), "{self}");
            return Value::Null;
        }
        let problem = self.json();
        assert_eq!(problem["status"], self.status, "{self}");
        assert_eq!(problem["request_id"], self.header("x-request-id"), "{self}");
        assert_eq!(problem["message"], problem["detail"], "{self}");
        let slug = problem["error_code"].as_str().unwrap().to_lowercase().replace('_', "-");
        assert_eq!(problem["type"], format!("/problems/{slug}"), "{self}");
        for member in ["title", "detail", "instance", "timestamp"] {
            assert!(problem[member].as_str().is_some_and(|text| !text.is_empty()), "{member}: {self}");
        }
        assert_eq!(self.headers.contains_key("www-authenticate"), self.status == 401, "{self}");
        problem
    }
}

impl std::fmt::Display for Answer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = self.text();
        let start: String = text.chars().take(1_000).collect();
        write!(formatter, "{} → {} {start}", self.asked, self.status)
    }
}
