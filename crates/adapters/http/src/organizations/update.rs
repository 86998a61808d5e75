use serde::Deserialize;
use serde_json::{Map, Value};
use tenantry_identity::Email;
use tenantry_tenancy::{Metadata, Organization, OrganizationChange, OrganizationName, Slug};
use utoipa::ToSchema;

use super::view::OrganizationView;
use crate::{
    caller::{Caller, Insider, State},
    etag::{IfMatch, Tagged},
    fields::{Fields, JsonBody, Patch},
    problem::Problem,
};

/// A change of an organization; what is absent stays as it is, null clears what may be empty.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpdateOrganization {
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 255)]
    name: Patch<String>,
    /// Its name in addresses.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 63)]
    slug: Patch<String>,
    /// Whom to ask; null: nobody.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 254)]
    contact_email: Patch<String>,
    /// What clients keep with it, at most 16 KiB; null empties it.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    metadata: Patch<Map<String, Value>>,
}

impl UpdateOrganization {
    fn parse(self) -> Result<OrganizationChange, Problem> {
        let mut fields = Fields::new();
        let name = fields.change("name", &self.name, OrganizationName::parse);
        let slug = fields.change("slug", &self.slug, Slug::parse);
        let contact_email = fields.patch("contact_email", &self.contact_email, Email::parse);
        let metadata = fields.check("metadata", self.metadata.try_map(Metadata::parse));
        let (name, slug, contact_email, metadata) = fields.finish((name, slug, contact_email, metadata))?;
        Ok(OrganizationChange {
            name,
            slug,
            contact_email: contact_email.into_change(),
            metadata: metadata.into_change().map(Option::unwrap_or_default),
        })
    }
}

/// Change an organization.
#[utoipa::path(method(patch, put), path = "/organizations/{id}", tag = "organizations",
    security(("bearer" = []), ("api_key" = ["organizations:write"])),
    request_body = UpdateOrganization,
    params(("id" = Uuid, Path, description = "The organization"),
        ("If-Match" = Option<String>, Header, description = "Only change this version")),
    responses((status = 200, description = "The organization after the change.", body = OrganizationView)))]
pub(crate) async fn handler(
    Insider(caller): Insider,
    state: State,
    if_match: IfMatch,
    JsonBody(body): JsonBody<UpdateOrganization>,
) -> Result<Tagged<OrganizationView>, Problem> {
    change(&caller, &state, &if_match, body.parse()?).await
}

/// Changes the organization that the path names, and answers it as a `V`.
pub(crate) async fn change<V>(
    caller: &Caller,
    state: &State,
    if_match: &IfMatch,
    change: OrganizationChange,
) -> Result<Tagged<V>, Problem>
where
    V: for<'o> From<&'o Organization>,
{
    let organization = state.services.organizations.update(&caller.context, change, &if_match.0).await?;
    Ok(Tagged::ok(organization.revision, V::from(&organization)))
}
