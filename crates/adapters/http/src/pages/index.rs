use actix_web::web::Json;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{VERSION, operations::Operations};

pub(super) fn operations(operations: &mut Operations) {
    operations.root::<__path_index, _, _>(index);
}

#[derive(Debug, Serialize, ToSchema)]
struct Index {
    #[schema(example = "Tenantry")]
    name: &'static str,
    version: &'static str,
    docs: &'static str,
    openapi: &'static str,
    health: &'static str,
}

/// Names the server and its entrances.
#[utoipa::path(get, path = "/", tag = "service", operation_id = "index", security(()),
    responses((status = 200, body = Index)))]
async fn index() -> Json<Index> {
    Json(Index {
        name: "Tenantry",
        version: VERSION,
        docs: "/docs",
        openapi: "/api/v1/openapi.json",
        health: "/health",
    })
}
