use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{ACCEPT, ContentType, VARY},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{ErrorCode, Problem};
use crate::fields::PathId;

/// The explanation of one type of problem.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProblemType {
    #[serde(rename = "type")]
    kind: String,
    title: &'static str,
    status: u16,
    error_code: &'static str,
    explanation: &'static str,
}

/// Explains a type of problem.
///
/// As HTML where `Accept` asks for it, as JSON otherwise.
#[utoipa::path(
    get, path = "/problems/{slug}", tag = "service", operation_id = "explain_problem", security(()),
    params(("slug" = String, Path, description = "the last segment of the problem's type")),
    responses((status = 200, body = ProblemType)),
)]
pub(crate) async fn explain(request: HttpRequest, slug: PathId<String>) -> Result<HttpResponse, Problem> {
    let code = ErrorCode::from_slug(&slug.0).ok_or_else(Problem::not_found)?;
    let mut answer = HttpResponse::Ok();
    answer.insert_header((VARY, "Accept"));
    Ok(if wants_html(&request) {
        answer.content_type(ContentType::html()).body(html(code))
    } else {
        answer.json(ProblemType {
            kind: format!("/problems/{}", code.slug()),
            title: code.title(),
            status: code.status().as_u16(),
            error_code: code.as_str(),
            explanation: code.explanation(),
        })
    })
}

/// Whether the client is a browser: it names HTML; programs take anything.
fn wants_html(request: &HttpRequest) -> bool {
    let accept = request.headers().get(ACCEPT).and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

/// The page; all of its text comes from the table of codes.
fn html(code: ErrorCode) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>{title}</title></head>\n\
         <body>\n<h1>{title}</h1>\n<p><code>{code}</code>, status {status}</p>\n<p>{explanation}.</p>\n</body>\n</html>\n",
        title = code.title(),
        code = code.as_str(),
        status = code.status().as_u16(),
        explanation = code.explanation(),
    )
}
