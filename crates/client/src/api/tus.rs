//! The tus protocol, version 1.0.0, by which files are sent to servers that keep them in a folder.

use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{Method, RequestBuilder, Response};

use super::{Api, ApiError};

/// The slowest line that is waited for, in bytes a second.
const SLOWEST: u64 = 8 << 10;

/// What a server may take to answer after the last byte has arrived, such as to look through a large file once more.
const AFTERWARDS: Duration = Duration::from_mins(10);

/// Why bytes were not taken.
#[derive(Debug, thiserror::Error)]
pub enum TusError {
    /// The server has another number of bytes than was said, or the job has ended.
    #[error("the server has other bytes of it")]
    Offset,
    /// What arrived is not what was declared; nothing of it is kept.
    #[error("what arrived is not what was declared")]
    Checksum,
    /// The upload is gone.
    #[error("the upload is gone")]
    Gone,
    /// Anything else.
    #[error(transparent)]
    Api(#[from] ApiError),
}

impl Api {
    /// How many bytes of an upload the server has.
    pub async fn offset(&self, upload_url: &str) -> Result<u64, TusError> {
        let answer = self.tus(Method::HEAD, upload_url)?.send().await.map_err(ApiError::unreachable)?;
        offset_of(accepted(answer).await?.headers())
    }

    /// Sends bytes from `offset` on, and answers how many the server has then. With the last of them it makes the object,
    /// and records it.
    pub async fn append(&self, upload_url: &str, offset: u64, bytes: Bytes) -> Result<u64, TusError> {
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let request = self
            .tus(Method::PATCH, upload_url)?
            .timeout(AFTERWARDS + Duration::from_secs(length / SLOWEST))
            .header(CONTENT_TYPE, "application/offset+octet-stream")
            .header("Upload-Offset", offset)
            .body(bytes);
        let answer = request.send().await.map_err(ApiError::unreachable)?;
        offset_of(accepted(answer).await?.headers())
    }

    /// Only what lies below this server is asked, since whoever is gets the key.
    fn tus(&self, method: Method, upload_url: &str) -> Result<RequestBuilder, ApiError> {
        let is_below = upload_url.starts_with("/api/") && !upload_url.contains(['?', '#', '\\']);
        let path = is_below.then_some(upload_url).ok_or(ApiError::NoSense)?;
        Ok(self.request_to(method, path).header("Tus-Resumable", "1.0.0"))
    }
}

async fn accepted(answer: Response) -> Result<Response, TusError> {
    match answer.status().as_u16() {
        200..300 => Ok(answer),
        409 => Err(TusError::Offset),
        404 | 410 => Err(TusError::Gone),
        460 => Err(TusError::Checksum),
        _ => Err(ApiError::of(answer).await.into()),
    }
}

fn offset_of(headers: &HeaderMap) -> Result<u64, TusError> {
    let offset = headers.get("Upload-Offset").and_then(|value| value.to_str().ok());
    offset.and_then(|text| text.parse().ok()).ok_or(TusError::Api(ApiError::NoSense))
}
