use std::time::Duration;

use reqwest::header::RETRY_AFTER;
use reqwest::{Response, StatusCode};
use serde::Deserialize;

/// Why a request to the API came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The server says why (RFC 9457).
    #[error("the server refuses: {0}")]
    Refused(Problem),
    /// Something between us and the server answered.
    #[error("the server answers {status}, and no problem document")]
    Status {
        /// What it answered.
        status: StatusCode,
        /// How long it asks to wait.
        retry_after: Option<Duration>,
    },
    /// There was no answer. Whether the server has done what it was asked to is unknown.
    #[error("the server can't be reached")]
    Unreachable(#[source] reqwest::Error),
    /// The answer is none of this API.
    #[error("the answer of the server makes no sense: is it a Tenantry server, and as new as this client?")]
    NoSense,
}

/// A problem document (RFC 9457) of the API.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, thiserror::Error)]
#[error("{detail} ({error_code})")]
pub struct Problem {
    /// The status of the answer.
    pub status: u16,
    /// Which problem it is.
    pub error_code: String,
    /// What it is about, for people.
    pub detail: String,
    /// Finds it in the log of the server.
    #[serde(default)]
    pub request_id: Option<String>,
    /// How long the server asks to wait.
    #[serde(skip)]
    pub retry_after: Option<Duration>,
}

impl ApiError {
    /// Without the address, which may be a secret.
    pub(super) fn unreachable(error: reqwest::Error) -> Self {
        Self::Unreachable(error.without_url())
    }

    /// What an answer says that is no success.
    pub(super) async fn of(answer: Response) -> Self {
        let status = answer.status();
        let header = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let retry_after = header.and_then(|text| text.parse().ok()).map(Duration::from_secs);
        let problem = match answer.bytes().await {
            Ok(body) => serde_json::from_slice::<Problem>(&body).ok(),
            Err(_) => None,
        };
        match problem {
            Some(problem) => Self::Refused(Problem { retry_after, ..problem }),
            None => Self::Status { status, retry_after },
        }
    }

    /// The status of the answer, if there was one.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused(problem) => Some(problem.status),
            Self::Status { status, .. } => Some(status.as_u16()),
            Self::Unreachable(_) | Self::NoSense => None,
        }
    }

    /// Whether the same request may succeed later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Refused(problem) if problem.error_code == "REQUEST_IN_PROGRESS" => true,
            Self::Unreachable(error) => !error.is_builder(),
            _ => self.asks_for_patience() || matches!(self.status(), Some(408 | 500 | 502 | 504)),
        }
    }

    /// Whether the server works, and has too much to do.
    #[must_use]
    pub fn asks_for_patience(&self) -> bool {
        matches!(self.status(), Some(429 | 503))
    }

    /// How long the server asks to wait.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused(problem) => problem.retry_after,
            Self::Status { retry_after, .. } => *retry_after,
            Self::Unreachable(_) | Self::NoSense => None,
        }
    }
}
