use serde::{Deserialize, Serialize};
use tenantry_http::{
    RequestScope,
    etag::Tagged,
    fields::{Fields, JsonBody},
    problem::Problem,
};
use tenantry_identity::{Actor, UserId};
use tenantry_kernel::{OrganizationId, Revision, TextError, parse_text};
use tenantry_tenancy::{Role, TenantContext};
use utoipa::ToSchema;
use uuid::Uuid;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateProbe {
    #[schema(min_length = 1, max_length = 10)]
    title: String,
    #[schema(max_length = 10)]
    note: Option<String>,
    #[serde(default)]
    labels: Vec<String>,
    owner_id: Option<Uuid>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ProbeView {
    title: String,
    note: Option<String>,
    labels: Vec<String>,
    owner_id: Option<Uuid>,
}

/// Creates a probe.
#[utoipa::path(post, path = "/probes", tag = "service", params(("token" = Option<String>, Query)), request_body = CreateProbe,
    responses((status = 201, body = ProbeView)))]
pub async fn handler(body: JsonBody<CreateProbe>, scope: RequestScope) -> Result<Tagged<ProbeView>, Problem> {
    let CreateProbe { title, note, labels, owner_id } = body.0;
    let mut fields = Fields::new();
    let title = fields.parse("title", &title, short);
    let note = fields.optional("note", note.as_deref(), short);
    let labels = fields.each("labels", &labels, short);
    let (title, note, labels) = fields.finish((title, note, labels))?;
    scope.set_user(Uuid::from_u128(1));
    scope.set_context(&owner());
    let view = ProbeView { title, note, labels, owner_id };
    Ok(Tagged::created(Revision::FIRST, "/api/v1/probes/1", view))
}

#[expect(clippy::disallowed_methods, reason = "there is no store that could prove a membership")]
fn owner() -> TenantContext {
    let actor = Actor::host(UserId::from_uuid(Uuid::from_u128(1)));
    TenantContext::host(OrganizationId::from_uuid(Uuid::from_u128(2)), actor, Role::Owner)
}

fn short(raw: &str) -> Result<String, TextError> {
    parse_text(raw, 1, 10)
}
