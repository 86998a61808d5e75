use actix_web::web::Json;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::{VERSION, operations::Operations};

pub(super) fn operations(operations: &mut Operations) {
    operations.root::<__path_index, _, _>(index);
    operations.root::<__path_signing_keys, _, _>(signing_keys);
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

/// Lists the public keys that access tokens are signed with.
///
/// None: tokens are signed with a secret (HS256), which only the server can verify.
#[utoipa::path(get, path = "/.well-known/jwks.json", tag = "service", operation_id = "signing_keys", security(()),
    responses((status = 200, description = "a JWK set (RFC 7517)", body = Object)))]
async fn signing_keys() -> Json<Value> {
    Json(json!({ "keys": [] }))
}
