use std::{future::Future, io, pin::Pin};

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    error::PayloadError,
    http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE},
    web::BytesMut,
};
use futures_util::StreamExt as _;
use serde::de::DeserializeOwned;

use super::shape;
use crate::{
    options::HttpOptions,
    problem::{ErrorCode, Problem},
    scope::RequestScope,
};

/// What extractors that wait for the body answer with.
type Extraction<T> = Pin<Box<dyn Future<Output = Result<T, Problem>>>>;

/// A JSON body of at most [`HttpOptions::body_limit_bytes`].
///
/// Other media types and content encodings are 415, more bytes 413, what is not JSON in UTF-8 is 400, and JSON of
/// another shape than `T` is 422 and names the field.
#[derive(Debug)]
pub struct JsonBody<T>(pub T);

/// The same as [`JsonBody`], or no body at all.
#[derive(Debug)]
pub struct OptionalJsonBody<T>(pub Option<T>);

impl<T: DeserializeOwned + 'static> FromRequest for JsonBody<T> {
    type Error = Problem;
    type Future = Extraction<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let limit = HttpOptions::of(request).body_limit_bytes;
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move { read_json(&request, payload, limit).await.map(Self) })
    }
}

impl<T: DeserializeOwned + 'static> FromRequest for OptionalJsonBody<T> {
    type Error = Problem;
    type Future = Extraction<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let limit = HttpOptions::of(request).body_limit_bytes;
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let body = read_body(&request, payload, limit).await?;
            if body.is_empty() {
                return Ok(Self(None));
            }
            require_json(&request)?;
            shape::from_json(&body).map(|value| Self(Some(value)))
        })
    }
}

async fn read_json<T: DeserializeOwned>(request: &HttpRequest, payload: Payload, limit: usize) -> Result<T, Problem> {
    read_json_body(request, payload, limit).await.map(|(_, value)| value)
}

/// Reads a JSON body, and answers its bytes too.
pub(crate) async fn read_json_body<T: DeserializeOwned>(
    request: &HttpRequest,
    payload: Payload,
    limit: usize,
) -> Result<(BytesMut, T), Problem> {
    if let Some(scope) = RequestScope::of(request) {
        scope.check_query(request)?;
    }
    require_json(request)?;
    let body = read_body(request, payload, limit).await?;
    let value = shape::from_json(&body)?;
    Ok((body, value))
}

/// Refuses what does not claim to be plain JSON.
fn require_json(request: &HttpRequest) -> Result<(), Problem> {
    let header = |name| request.headers().get(name).map(|value| value.to_str().unwrap_or_default());
    let media_type = header(&CONTENT_TYPE).and_then(|value| value.split(';').next()).unwrap_or_default().trim();
    let encoding = header(&CONTENT_ENCODING).unwrap_or("identity").trim();
    if media_type.eq_ignore_ascii_case("application/json") && encoding.eq_ignore_ascii_case("identity") {
        Ok(())
    } else {
        Err(Problem::new(ErrorCode::UnsupportedMediaType))
    }
}

/// Reads a whole body of at most `limit` bytes.
pub async fn read_body(request: &HttpRequest, mut payload: Payload, limit: usize) -> Result<BytesMut, Problem> {
    let announced = announced_length(request)?;
    if announced.is_some_and(|length| length > limit) {
        return Err(too_large(limit));
    }
    let mut body = BytesMut::with_capacity(announced.unwrap_or_default());
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| unreadable(&error))?;
        if body.len().saturating_add(chunk.len()) > limit {
            return Err(too_large(limit));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn announced_length(request: &HttpRequest) -> Result<Option<usize>, Problem> {
    let Some(value) = request.headers().get(CONTENT_LENGTH) else { return Ok(None) };
    let length = value.to_str().ok().and_then(|value| value.parse().ok());
    length.map(Some).ok_or_else(|| Problem::new(ErrorCode::MalformedRequest))
}

fn too_large(limit: usize) -> Problem {
    Problem::new(ErrorCode::PayloadTooLarge).with_detail(format!("the body must have at most {limit} bytes"))
}

/// The problem of a body that can't be read to its end.
pub(crate) fn unreadable(error: &PayloadError) -> Problem {
    match error {
        PayloadError::Io(error) if error.kind() == io::ErrorKind::TimedOut => {
            Problem::new(ErrorCode::RequestTimeout).with_detail("the body did not arrive in time")
        }
        _ => Problem::new(ErrorCode::MalformedRequest).with_detail("the body could not be read to its end"),
    }
}
