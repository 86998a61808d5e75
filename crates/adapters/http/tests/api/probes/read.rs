use serde::Serialize;
use tenantry_http::{etag::Tagged, fields::PathId};
use tenantry_kernel::Revision;
use utoipa::ToSchema;
use uuid::Uuid;

#[derive(Debug, Serialize, ToSchema)]
pub struct IdView {
    id: Uuid,
    /// Long enough to be worth compressing.
    text: String,
}

/// Reads a probe.
#[utoipa::path(get, path = "/probes/{id}", tag = "service", params(("id" = Uuid, Path)),
    responses((status = 200, body = IdView)))]
pub async fn handler(id: PathId<Uuid>) -> Tagged<IdView> {
    Tagged::ok(Revision::from_stored(3), IdView { id: id.0, text: "probe ".repeat(500) })
}
