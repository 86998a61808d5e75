use actix_web::web::Json;
use serde::Deserialize;
use serde_json::{Value, json};
use tenantry_http::fields::OptionalJsonBody;
use utoipa::ToSchema;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignOut {
    scope: Option<String>,
}

/// Takes a body or none.
#[utoipa::path(post, path = "/auth/probe", tag = "service", request_body = Option<SignOut>, security(()),
    responses((status = 200, body = Object)))]
pub async fn handler(body: OptionalJsonBody<SignOut>) -> Json<Value> {
    Json(json!({ "given": body.0.is_some(), "scope": body.0.and_then(|body| body.scope) }))
}
