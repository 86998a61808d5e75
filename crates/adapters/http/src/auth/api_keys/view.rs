use chrono::{DateTime, Utc};
use serde::Serialize;
use tenantry_identity::ApiKey;
use utoipa::ToSchema;
use uuid::Uuid;

/// An API key, without its text.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ApiKey)]
pub(crate) struct ApiKeyView {
    id: Uuid,
    name: String,
    /// How its text begins.
    #[schema(example = "tnt_7GkQ2mXa")]
    prefix: String,
    /// What it may do, as far as its owner may.
    #[schema(example = json!(["tasks:write"]))]
    scopes: Vec<String>,
    #[schema(required)]
    expires_at: Option<DateTime<Utc>>,
    /// When it was last used, to a minute.
    #[schema(required)]
    last_used_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
}

impl From<ApiKey> for ApiKeyView {
    fn from(key: ApiKey) -> Self {
        Self {
            id: key.id.as_uuid(),
            name: key.name.as_str().to_owned(),
            prefix: key.prefix,
            scopes: key.scopes.names(),
            expires_at: key.expires_at,
            last_used_at: key.last_used_at,
            created_at: key.created_at,
        }
    }
}
