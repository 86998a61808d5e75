//! The routes of direct uploads, with their bodies and errors as types.

mod error;
mod tus;
mod types;

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Method, RequestBuilder};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

pub use error::{ApiError, Problem};
pub use tus::TusError;
pub use types::{
    Action, Completed, DeclaredFile, DeclaredPart, FileError, FileStatus, Instruction, JobStatus, NewDirect, PartUrls,
    PresignedPart, Request,
};

use crate::connection::{ApiKey, ApiKeyError, Connection, ServerUrl};

/// How long an answer may take. Looking after a thousand files may keep a server busy for a while.
const DEADLINE: Duration = Duration::from_mins(5);

/// A server, asked with the rights of an API key. Nothing is tried again by itself.
#[derive(Debug, Clone)]
pub struct Api {
    connection: Connection,
    server: ServerUrl,
    authorization: HeaderValue,
}

/// A list in an answer.
#[derive(serde::Deserialize)]
struct Listed<T> {
    data: Vec<T>,
}

impl Api {
    /// The API of this server.
    ///
    /// # Errors
    /// [`ApiKeyError`] when the key can't be sent.
    pub fn new(connection: Connection, server: ServerUrl, key: &ApiKey) -> Result<Self, ApiKeyError> {
        Ok(Self { connection, server, authorization: key.header()? })
    }

    /// Begins a job. Doing it again with the same `idempotency_key` begins no other one.
    pub async fn begin(&self, new: &NewDirect<'_>, idempotency_key: Uuid) -> Result<JobStatus, ApiError> {
        let request = self.request(Method::POST, "/uploads/direct");
        json(request.header("Idempotency-Key", idempotency_key.to_string()), Some(new)).await
    }

    /// Says which files there are, at most 1,000, and is told what to do about each, in their order.
    pub async fn declare(&self, job: Uuid, files: &[DeclaredFile<'_>]) -> Result<Vec<Instruction>, ApiError> {
        #[derive(Serialize)]
        struct Files<'a> {
            files: &'a [DeclaredFile<'a>],
        }
        let request = self.request(Method::POST, &format!("/uploads/{job}/files"));
        let answer: Listed<Instruction> = json(request, Some(&Files { files })).await?;
        if answer.data.len() == files.len() { Ok(answer.data) } else { Err(ApiError::NoSense) }
    }

    /// Asks for the requests by which parts of a file are sent, at most 1,000.
    pub async fn parts(&self, job: Uuid, file_id: Uuid, parts: &[DeclaredPart]) -> Result<PartUrls, ApiError> {
        #[derive(Serialize)]
        struct Parts<'a> {
            file_id: Uuid,
            parts: &'a [DeclaredPart],
        }
        json(self.request(Method::POST, &format!("/uploads/{job}/parts")), Some(&Parts { file_id, parts })).await
    }

    /// Says which files were sent, at most 1,000, and is told which of them are in the store.
    pub async fn complete(&self, job: Uuid, file_ids: &[Uuid]) -> Result<Vec<Completed>, ApiError> {
        #[derive(Serialize)]
        struct Files<'a> {
            file_ids: &'a [Uuid],
        }
        let request = self.request(Method::POST, &format!("/uploads/{job}/files/complete"));
        let answer: Listed<Completed> = json(request, Some(&Files { file_ids })).await?;
        Ok(answer.data)
    }

    /// Ends a job.
    pub async fn finish(&self, job: Uuid) -> Result<JobStatus, ApiError> {
        json(self.request(Method::POST, &format!("/uploads/{job}/finish")), None::<&()>).await
    }

    /// How far a job is.
    pub async fn status(&self, job: Uuid) -> Result<JobStatus, ApiError> {
        json(self.request(Method::GET, &format!("/uploads/status/{job}")), None::<&()>).await
    }

    /// Gives a job up.
    pub async fn cancel(&self, job: Uuid) -> Result<JobStatus, ApiError> {
        json(self.request(Method::POST, &format!("/uploads/{job}/cancel")), None::<&()>).await
    }

    /// A request to what is at this path below `/api/v1`.
    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.request_to(method, &format!("/api/v1{path}"))
    }

    /// A request to what is at this path below the server.
    fn request_to(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.connection.client().request(method, self.server.at(path)).timeout(DEADLINE);
        request.header(AUTHORIZATION, self.authorization.clone())
    }
}

/// Sends a request with its body, if it has one, and reads the answer.
async fn json<T: DeserializeOwned>(request: RequestBuilder, body: Option<&impl Serialize>) -> Result<T, ApiError> {
    let request = match body {
        Some(body) => {
            let body = serde_json::to_vec(body).or(Err(ApiError::NoSense))?;
            request.header(CONTENT_TYPE, "application/json").body(body)
        }
        None => request,
    };
    let answer = request.send().await.map_err(ApiError::unreachable)?;
    if !answer.status().is_success() {
        return Err(ApiError::of(answer).await);
    }
    let body = answer.bytes().await.map_err(ApiError::unreachable)?;
    serde_json::from_slice(&body).or(Err(ApiError::NoSense))
}
