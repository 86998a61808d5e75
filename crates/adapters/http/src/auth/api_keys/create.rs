use actix_web::{HttpResponse, http::header::LOCATION};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tenantry_application::NewApiKey;
use tenantry_identity::{ApiKeyName, ApiKeyScopes};
use utoipa::ToSchema;

use super::view::ApiKeyView;
use crate::{
    caller::{SignedIn, State},
    fields::{Fields, JsonBody},
    operations::API_PREFIX,
    problem::Problem,
};

/// A new API key.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CreateApiKey)]
pub(crate) struct Create {
    /// What it is for.
    #[schema(min_length = 1, max_length = 255)]
    name: String,
    /// What it may do, as far as its owner may: `RESOURCE:read` or `RESOURCE:write`, which includes reading, or `*` for all
    /// there is. Resources: audit, licenses, organizations, projects, readings, sync, tasks, users.
    #[schema(example = json!(["tasks:write"]))]
    scopes: Vec<String>,
    /// When it ends; never where absent.
    expires_at: Option<DateTime<Utc>>,
}

impl Create {
    fn parse(self) -> Result<NewApiKey, Problem> {
        let mut fields = Fields::new();
        let name = fields.parse("name", &self.name, ApiKeyName::parse);
        let scopes = fields.check("scopes", ApiKeyScopes::parse(self.scopes.iter().map(String::as_str)));
        let (name, scopes) = fields.finish((name, scopes))?;
        Ok(NewApiKey { name, scopes, expires_at: self.expires_at })
    }
}

/// An API key that was just made, with its text.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CreatedApiKey)]
pub(crate) struct Created {
    #[serde(flatten)]
    about: ApiKeyView,
    /// The key itself, for `Authorization: Bearer`. It can't be read again.
    key: String,
}

/// Make an API key.
///
/// It acts as its owner, in the organization where it was made and in no other, and ends with the membership.
#[utoipa::path(post, path = "/auth/api-keys", tag = "auth", operation_id = "api_keys_create", request_body = Create,
    security(("bearer" = [])),
    responses((status = 201, description = "The key, with its text.", body = Created)))]
pub(crate) async fn handler(
    caller: SignedIn,
    state: State,
    JsonBody(body): JsonBody<Create>,
) -> Result<HttpResponse, Problem> {
    let (key, secret) = state.services.api_keys.create(&caller.context, body.parse()?).await?;
    let location = format!("{API_PREFIX}/auth/api-keys/{}", key.id);
    let created = Created { about: ApiKeyView::from(key), key: secret.expose().to_owned() };
    Ok(HttpResponse::Created().insert_header((LOCATION, location)).json(created))
}
