//! Requests to the store, which were made by the server and carry no key of ours.

use std::str::FromStr as _;
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{HOST, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Method, Response};

use crate::api::Request;
use crate::connection::Connection;

/// The slowest line that is waited for, in bytes a second.
const SLOWEST: u64 = 8 << 10;

/// What a store may take to answer when all has arrived.
const AFTERWARDS: Duration = Duration::from_mins(1);

/// The longest error of a store that is looked into.
const MAX_ERROR: usize = 16 << 10;

/// Why a store did not take something.
#[derive(Debug, thiserror::Error)]
pub(super) enum StoreError {
    /// It asks for patience.
    #[error("the store asks to slow down")]
    Throttled(Option<Duration>),
    /// It can't be reached, or fails for now.
    #[error("{0}")]
    Unavailable(String),
    /// The request is too old, or was never right: which, stores don't tell.
    #[error("the store refuses: {0}")]
    Refused(String),
    /// What arrived is not what was sent.
    #[error("the store got other bytes")]
    Damaged,
    /// There is no such multipart upload any more.
    #[error("the upload is gone")]
    Gone,
}

/// Sends bytes as `request` says.
pub(super) async fn send(connection: &Connection, request: &Request, bytes: Bytes) -> Result<(), StoreError> {
    let method = Method::from_bytes(request.method.as_bytes()).or(Err(no_sense()))?;
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let sent = connection
        .client()
        .request(method, &request.url)
        .headers(headers(request)?)
        .timeout(AFTERWARDS + Duration::from_secs(length / SLOWEST))
        .body(bytes)
        .send()
        .await;
    let answer = sent.map_err(|error| unavailable(&error))?;
    if answer.status().is_success() {
        // Read to its end, the connection is good for the next request.
        drop(answer.bytes().await);
        return Ok(());
    }
    Err(refusal(answer).await)
}

/// The client itself says to whom it speaks.
fn headers(request: &Request) -> Result<HeaderMap, StoreError> {
    let mut headers = HeaderMap::with_capacity(request.headers.len());
    for header in &request.headers {
        let name = HeaderName::from_str(&header.name).or(Err(no_sense()))?;
        let value = HeaderValue::from_str(&header.value).or(Err(no_sense()))?;
        if name != HOST {
            headers.insert(name, value);
        }
    }
    Ok(headers)
}

fn no_sense() -> StoreError {
    StoreError::Refused("the request that the server gave makes no sense".to_owned())
}

/// Without the address, by which anybody could write.
fn unavailable(error: &reqwest::Error) -> StoreError {
    let kind = if error.is_builder() {
        return no_sense();
    } else if error.is_timeout() {
        "the store does not answer"
    } else if error.is_connect() {
        "the store can't be reached"
    } else {
        "the connection to the store broke"
    };
    StoreError::Unavailable(kind.to_owned())
}

async fn refusal(mut answer: Response) -> StoreError {
    let status = answer.status().as_u16();
    let header = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    let retry_after = header.and_then(|text| text.parse().ok()).map(Duration::from_secs);
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = answer.chunk().await {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_ERROR {
            break;
        }
    }
    let text = String::from_utf8_lossy(&body);
    let code = code(&text);
    match (status, code) {
        (429 | 503, _) | (_, Some("SlowDown" | "TooManyRequests" | "RequestLimitExceeded")) => {
            StoreError::Throttled(retry_after)
        }
        (_, Some("NoSuchUpload")) => StoreError::Gone,
        (_, Some("BadDigest" | "XAmzContentChecksumMismatch" | "XAmzContentSHA256Mismatch" | "InvalidDigest")) => {
            StoreError::Damaged
        }
        (408 | 409 | 412 | 500..=599, _) | (_, Some("RequestTimeout")) => StoreError::Unavailable(format!(
            "the store answers {status}{}",
            code.map_or(String::new(), |code| format!(" {code}"))
        )),
        (_, Some(code)) => StoreError::Refused(code.to_owned()),
        (_, None) => StoreError::Refused(format!("it answers {status}")),
    }
}

/// The code of an error of S3, which is a short document of XML.
fn code(body: &str) -> Option<&str> {
    let (_, rest) = body.split_once("<Code>")?;
    let (code, _) = rest.split_once("</Code>")?;
    let is_code = (1..=64).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_code.then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn u8_the_code_of_an_error_is_found() {
        let body = "<?xml version=\"1.0\"?><Error><Code>SlowDown</Code><Message>Reduce</Message></Error>";
        assert_eq!(code(body), Some("SlowDown"));
        for body in ["", "<Code>", "<Code></Code>", "<Code>a b</Code>", "</Code><Code>"] {
            assert_eq!(code(body), None, "{body}");
        }
    }
}
