use actix_web::{
    HttpResponse, ResponseError as _,
    body::BoxBody,
    http::{
        StatusCode,
        header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderValue},
    },
};
use chrono::{DateTime, Utc};

use super::arrival::Arrival;
use crate::problem::{ErrorCode, MEDIA_TYPE, Occurrence, Problem};

/// Gives every error the body of a problem, those of the framework included.
pub(super) fn complete(response: HttpResponse, arrival: &Arrival, now: DateTime<Utc>) -> HttpResponse {
    let Some(problem) = problem_of(&response) else { return response };
    let occurrence =
        Occurrence { instance: arrival.uri.path(), request_id: arrival.scope.request_id(), timestamp: now };
    let body = serde_json::to_vec(&problem.document(occurrence)).unwrap_or_default();
    let mut response = response.set_body(BoxBody::new(body));
    *response.status_mut() = problem.code().status();
    for (name, value) in problem.error_response().headers() {
        if !response.headers().contains_key(name) {
            response.headers_mut().append(name.clone(), value.clone());
        }
    }
    response.headers_mut().remove(CONTENT_ENCODING);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    response
}

/// The problem that an answer stands for, if it does.
fn problem_of(response: &HttpResponse) -> Option<Problem> {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return None;
    }
    match response.error() {
        Some(error) => Some(of_error(error)),
        None => (!is_meant(response)).then(|| of_status(status)),
    }
}

pub(super) fn of_error(error: &actix_web::Error) -> Problem {
    match error.as_error::<Problem>() {
        Some(problem) => problem.clone(),
        None => of_status(error.as_response_error().status_code()),
    }
}

fn of_status(status: StatusCode) -> Problem {
    Problem::new(ErrorCode::of_framework_error(status))
}

/// Whether a handler wrote this answer as it is; the framework explains itself in plain text or not at all.
fn is_meant(response: &HttpResponse) -> bool {
    let media_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    media_type.is_some_and(|media_type| !media_type.starts_with("text/plain"))
}
