use actix_web::web::Json;
use serde::Deserialize;
use serde_json::{Value, json};
use tenantry_http::{
    etag::IfMatch,
    fields::{Fields, JsonBody, Patch, PathId},
    problem::{ErrorCode, Problem},
};
use tenantry_kernel::{Revision, parse_text};
use utoipa::ToSchema;
use uuid::Uuid;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateProbe {
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    title: Patch<String>,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    note: Patch<String>,
}

/// Changes a probe.
#[utoipa::path(method(patch, put), path = "/probes/{id}", tag = "service", params(("id" = Uuid, Path)),
    request_body = UpdateProbe, responses((status = 200, body = Object)))]
pub async fn handler(
    id: PathId<Uuid>,
    IfMatch(precondition): IfMatch,
    body: JsonBody<UpdateProbe>,
) -> Result<Json<Value>, Problem> {
    let mut fields = Fields::new();
    let title = fields.change("title", &body.0.title, |raw| parse_text(raw, 1, 10));
    let note = fields.patch("note", &body.0.note, |raw| parse_text(raw, 1, 10));
    let (title, note) = fields.finish((title, note))?;
    if !precondition.allows(Revision::from_stored(3)) {
        return Err(Problem::new(ErrorCode::PreconditionFailed));
    }
    Ok(Json(json!({ "id": id.0, "title": title, "note": note.into_change() })))
}
