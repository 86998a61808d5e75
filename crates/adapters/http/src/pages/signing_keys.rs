use actix_web::{HttpResponse, http::header::CACHE_CONTROL};
use serde::Serialize;
use tenantry_identity::{PublishedKey, SigningKeyRules};
use utoipa::ToSchema;

use crate::{caller::State, operations::Operations};

pub(super) fn operations(operations: &mut Operations) {
    operations.root::<__path_signing_keys, _, _>(signing_keys);
}

/// A JWK set (RFC 7517).
#[derive(Debug, Serialize, ToSchema)]
struct KeySet {
    keys: Vec<PublicKey>,
}

/// A public key (RFC 8037).
#[derive(Debug, Serialize, ToSchema)]
struct PublicKey {
    #[schema(example = "OKP")]
    kty: &'static str,
    #[schema(example = "Ed25519")]
    crv: &'static str,
    #[schema(example = "EdDSA")]
    alg: &'static str,
    #[serde(rename = "use")]
    #[schema(example = "sig")]
    usage: &'static str,
    /// The thumbprint of the key (RFC 7638), which the header of a token names.
    kid: String,
    /// The key itself, in base64url.
    x: String,
}

impl From<PublishedKey> for PublicKey {
    fn from(key: PublishedKey) -> Self {
        let kid = key.id.as_str().to_owned();
        Self { kty: "OKP", crv: "Ed25519", alg: "EdDSA", usage: "sig", kid, x: key.x }
    }
}

/// Lists the public keys that access tokens are signed with.
///
/// A key is listed before the first token is signed with it, and until the last one has expired. There are none where
/// tokens are signed with a secret (HS256), since only the server can verify those.
#[utoipa::path(get, path = "/.well-known/jwks.json", tag = "service", operation_id = "signing_keys", security(()),
    responses((status = 200, body = KeySet)))]
async fn signing_keys(state: State) -> HttpResponse {
    let published = state.published_keys.iter().flat_map(|keys| keys.published());
    let keys = published.map(PublicKey::from).collect();
    let max_age = SigningKeyRules::SET_MAX_AGE.num_seconds();
    HttpResponse::Ok().insert_header((CACHE_CONTROL, format!("public, max-age={max_age}"))).json(KeySet { keys })
}
