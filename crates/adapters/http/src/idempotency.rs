//! Requests that a client may send again: `Idempotency-Key`.

use std::{fmt::Write as _, future::Future, pin::Pin};

use actix_web::{
    FromRequest, HttpRequest, HttpResponse, Responder,
    body::{self, BoxBody},
    dev::Payload,
    http::{
        StatusCode,
        header::{CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, LOCATION},
    },
};
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};
use tenantry_application::{IdempotencyKey, Reservation, StoredAnswer};
use tenantry_identity::Actor;
use tenantry_kernel::{OrganizationId, UserId};
use uuid::Uuid;

use crate::{
    caller::Caller,
    fields::read_json_body,
    options::HttpOptions,
    problem::{ErrorCode, Problem},
    state::HttpState,
};

static IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
static IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// The headers of an answer that are given again with it.
static KEPT_HEADERS: [HeaderName; 3] = [CONTENT_TYPE, ETAG, LOCATION];

/// The JSON body of a request that creates something, and the key under which it is done only once.
pub(crate) struct Creation<T> {
    body: T,
    key: Option<(IdempotencyKey, Sha256)>,
    request: HttpRequest,
}

/// Whose requests share their keys, and where the request works.
pub(crate) struct Creator {
    pub(crate) actor: Actor,
    pub(crate) user_id: UserId,
    pub(crate) organization_id: Option<OrganizationId>,
}

impl Creator {
    /// Somebody who creates what belongs to the organisation that the request works in.
    pub(crate) fn within(caller: &Caller) -> Self {
        Self {
            actor: caller.actor(),
            user_id: caller.user_id(),
            organization_id: Some(caller.context.organization_id()),
        }
    }
}

impl<T> Creation<T> {
    /// Answers with what `create` makes of the body; a request that was done before gets the same answer again.
    ///
    /// `create` is told the identifier to use when the client gave a key: the same however often the request is tried.
    pub(crate) async fn once<R, F>(
        self,
        state: &HttpState,
        creator: &Creator,
        create: impl FnOnce(T, Option<Uuid>) -> F,
    ) -> Result<HttpResponse, Problem>
    where
        R: Responder<Body = BoxBody>,
        F: Future<Output = Result<R, Problem>>,
    {
        let Some((key, digest)) = self.key else {
            return Ok(create(self.body, None).await?.respond_to(&self.request));
        };
        let (requests, fingerprint) = (&state.services.requests, fingerprint(digest, creator));
        let claim = match requests.reserve(&creator.actor, creator.user_id, key, fingerprint).await? {
            Reservation::Fresh(claim) => claim,
            Reservation::Replay(answer) => return replay(&answer),
            Reservation::InProgress => return Err(Problem::new(ErrorCode::RequestInProgress)),
            Reservation::KeyReused => return Err(Problem::new(ErrorCode::IdempotencyKeyReused)),
        };
        match create(self.body, Some(claim.resource_id())).await {
            Ok(created) => {
                let (answer, response) = keep(created.respond_to(&self.request)).await?;
                requests.complete(&creator.actor, claim, &answer).await?;
                Ok(response)
            }
            Err(problem) => {
                if problem.code().status().is_server_error() {
                    // It may have been done all the same: the answer to a COMMIT can be lost.
                    requests.give_up(&creator.actor, claim).await?;
                } else {
                    requests.release(&creator.actor, &claim).await?;
                }
                Err(problem)
            }
        }
    }
}

impl<T> Creation<T> {
    /// What `parse` makes of the body, and the identifier to use when the client gave a key: the same however often the
    /// request is tried, also while another try is being answered. No answer is kept, nor the key of a bad body.
    pub(crate) async fn named<P>(
        self,
        state: &HttpState,
        creator: &Creator,
        parse: impl FnOnce(T) -> Result<P, Problem>,
    ) -> Result<(P, Option<Uuid>), Problem> {
        let parsed = parse(self.body)?;
        let Some((key, digest)) = self.key else { return Ok((parsed, None)) };
        let (requests, fingerprint) = (&state.services.requests, fingerprint(digest, creator));
        let id = requests.name(&creator.actor, creator.user_id, key, fingerprint).await?;
        Ok((parsed, Some(id.ok_or_else(|| Problem::new(ErrorCode::IdempotencyKeyReused))?)))
    }
}

impl<T: DeserializeOwned + 'static> FromRequest for Creation<T> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let limit = HttpOptions::of(request).body_limit_bytes;
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let key = idempotency_key(&request)?;
            let (raw, body) = read_json_body(&request, payload, limit).await?;
            let key = key.map(|key| (key, digest(&request, &raw)));
            Ok(Self { body, key, request })
        })
    }
}

fn idempotency_key(request: &HttpRequest) -> Result<Option<IdempotencyKey>, Problem> {
    let Some(value) = request.headers().get(&IDEMPOTENCY_KEY) else { return Ok(None) };
    let key = value.to_str().ok().and_then(|value| IdempotencyKey::parse(value).ok());
    let malformed = || {
        Problem::new(ErrorCode::MalformedRequest)
            .with_detail("the header idempotency-key must have 1 to 255 visible ASCII characters")
    };
    key.map(Some).ok_or_else(malformed)
}

/// What tells one request from another: method, path and body.
fn digest(request: &HttpRequest, body: &[u8]) -> Sha256 {
    let mut digest = Sha256::new();
    for part in [request.method().as_str(), request.path()] {
        digest.update(part);
        digest.update([0]);
    }
    digest.update(Sha256::digest(body));
    digest
}

/// The same as it is kept, with where the request works.
fn fingerprint(mut digest: Sha256, creator: &Creator) -> String {
    if let Some(organization_id) = creator.organization_id {
        digest.update(organization_id.as_uuid());
    }
    hex(&digest.finalize())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string can't fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Takes an answer apart to keep it, and puts it together again.
async fn keep(response: HttpResponse) -> Result<(StoredAnswer, HttpResponse), Problem> {
    let status = response.status();
    let headers = kept_headers(response.headers());
    let body = body::to_bytes(response.into_body()).await.map_err(|error| Problem::internal(&*error))?;
    let answer = StoredAnswer { status: status.as_u16(), headers, body: body.to_vec() };
    let response = respond(&answer)?;
    Ok((answer, response))
}

fn kept_headers(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |name: &HeaderName| Some((name.to_string(), headers.get(name)?.to_str().ok()?.to_owned()));
    KEPT_HEADERS.iter().filter_map(text).collect()
}

fn replay(answer: &StoredAnswer) -> Result<HttpResponse, Problem> {
    let mut response = respond(answer)?;
    response.headers_mut().insert(IDEMPOTENT_REPLAYED.clone(), HeaderValue::from_static("true"));
    Ok(response)
}

fn respond(answer: &StoredAnswer) -> Result<HttpResponse, Problem> {
    let status = StatusCode::from_u16(answer.status).map_err(|error| Problem::internal(&error))?;
    let mut response = HttpResponse::build(status);
    for (name, value) in &answer.headers {
        response.insert_header((name.as_str(), value.as_str()));
    }
    Ok(response.body(answer.body.clone()))
}
