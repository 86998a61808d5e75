use std::{
    any::Any,
    future::{Future, Ready, ready},
    panic::AssertUnwindSafe,
    pin::{Pin, pin},
    rc::Rc,
    time::Duration,
};

use actix_web::{
    Error, HttpMessage as _, HttpResponse,
    body::MessageBody,
    dev::{Payload, Service, ServiceRequest, ServiceResponse, Transform, forward_ready},
    error::InternalError,
    http::header::HeaderValue,
    web::Data,
};
use futures_util::FutureExt as _;
use tracing::Instrument as _;

use super::{access_log, admission, arrival::Arrival, completion, refusals, request_id::X_REQUEST_ID, throttle};
use crate::{
    connection::{AnswerBody, Answering, PatientPayload, Turn},
    options::HttpOptions,
    problem::{ErrorCode, Problem},
    scope::RequestScope,
    state::HttpState,
    uploads::tus,
};

/// The outermost middleware: around everything else, so that whatever comes out is a complete answer.
#[derive(Clone)]
pub(crate) struct Frame {
    options: Data<HttpOptions>,
    state: Data<HttpState>,
}

impl Frame {
    pub(crate) fn new(options: Data<HttpOptions>, state: Data<HttpState>) -> Self {
        Self { options, state }
    }

    /// What every answer gets: its body if it is a problem, headers, a line in the log.
    fn finish(&self, response: HttpResponse, arrival: &Arrival) -> HttpResponse {
        let mut response = completion::complete(response, arrival, self.state.clock.now());
        let headers = response.headers_mut();
        arrival.exposure.protect(headers, &self.options);
        if arrival.speaks_tus {
            tus::describe(headers);
        }
        if let Some(state) = arrival.scope.rate() {
            throttle::describe(&state, headers);
        }
        if let Ok(id) = HeaderValue::from_str(arrival.scope.request_id()) {
            headers.insert(X_REQUEST_ID, id);
        }
        access_log::record(arrival, response.status(), &self.state.metrics);
        response
    }

    /// Notes that the server answers now, and reads the body with limited patience.
    fn take_turn(&self, request: &mut ServiceRequest) -> Option<Answering> {
        let turn = request.conn_data::<Turn>().cloned()?;
        let answering = turn.answer();
        let payload = request.take_payload();
        if !matches!(payload, Payload::None) {
            let HttpOptions { client_timeout, body_bytes_per_second, .. } = **self.options;
            let patient = PatientPayload::new(payload, turn, client_timeout, body_bytes_per_second);
            request.set_payload(Payload::Stream { payload: Box::pin(patient) });
        }
        Some(answering)
    }
}

impl<S, B> Transform<S, ServiceRequest> for Frame
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<AnswerBody>;
    type Error = Error;
    type InitError = ();
    type Transform = Framed<S>;
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        ready(Ok(Framed { service: Rc::new(service), frame: self.clone() }))
    }
}

/// A service with the [`Frame`] around it.
pub(crate) struct Framed<S> {
    service: Rc<S>,
    frame: Frame,
}

impl<S, B> Service<ServiceRequest> for Framed<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<AnswerBody>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Error>>>>;

    forward_ready!(service);

    fn call(&self, mut request: ServiceRequest) -> Self::Future {
        let frame = self.frame.clone();
        let service = Rc::clone(&self.service);
        let answering = frame.take_turn(&mut request);
        let arrival = Arrival::note(&mut request, &frame.options, &frame.state);
        request.extensions_mut().insert(arrival.scope.clone());
        if let Some(response) = admission::refuse(&arrival, request.path(), request.headers(), &frame.options) {
            let response = frame.finish(response, &arrival).map_body(|_, body| AnswerBody::new(body, answering));
            return Box::pin(ready(Ok(request.into_response(response))));
        }
        let span = tracing::info_span!("request", request_id = arrival.scope.request_id());
        Box::pin(async move {
            let limit = frame.options.request_timeout;
            let answer = answer(async move { service.call(request).await }, limit, &arrival.scope);
            match answer.instrument(span).await {
                Ok(response) => {
                    let (request, response) = response.into_parts();
                    refusals::note(&request, response.status(), &frame.state).await;
                    let response = frame.finish(response.map_into_boxed_body(), &arrival);
                    let response = response.map_body(|_, body| AnswerBody::new(body, answering));
                    Ok(ServiceResponse::new(request, response))
                }
                // The request is gone, so the answer can leave as an error only.
                Err(problem) => {
                    let response = HttpResponse::from_error(problem);
                    Err(InternalError::from_response("no answer", frame.finish(response, &arrival)).into())
                }
            }
        })
    }
}

/// The answer, or a problem where there is none: a panic, or no answer in time.
async fn answer<B>(
    service: impl Future<Output = Result<ServiceResponse<B>, Error>>,
    limit: Duration,
    scope: &RequestScope,
) -> Result<ServiceResponse<B>, Problem> {
    let mut service = pin!(AssertUnwindSafe(service).catch_unwind());
    let outcome = match tokio::time::timeout(limit, &mut service).await {
        Err(_elapsed) if scope.takes_its_time() => Ok(service.await),
        outcome => outcome,
    };
    match outcome {
        Ok(Ok(Ok(response))) => Ok(response),
        Ok(Ok(Err(error))) => Err(completion::of_error(&error)),
        Ok(Err(panic)) => {
            tracing::error!(panic = panic_text(panic.as_ref()), "a handler panicked");
            Err(Problem::new(ErrorCode::InternalError))
        }
        Err(_elapsed) => {
            tracing::warn!(limit_seconds = limit.as_secs_f64(), "a request took too long");
            Err(Problem::new(ErrorCode::Timeout))
        }
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no text")
}
