use serde::Deserialize;
use serde_json::{Map, Value};
use tenantry_identity::Email;
use tenantry_tenancy::{Metadata, OrganizationChange, OrganizationName, Slug};
use utoipa::ToSchema;

use super::{twins::Twins, view::CompanyView};
use crate::{
    caller::{Insider, State},
    etag::{IfMatch, Tagged},
    fields::{Fields, JsonBody, Patch},
    organizations::change,
    problem::Problem,
};

/// A change of an organization; what is absent stays as it is, null clears what may be empty.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpdateCompany {
    /// The same as `company_name`.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 255)]
    name: Patch<String>,
    /// What people call it.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 255)]
    company_name: Patch<String>,
    /// The same as `company_code`.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 63)]
    slug: Patch<String>,
    /// Its name in addresses.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 63)]
    company_code: Patch<String>,
    /// Whom to ask; null: nobody.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 254)]
    contact_email: Patch<String>,
    /// What clients keep with it, at most 16 KiB; null empties it.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    metadata: Patch<Map<String, Value>>,
}

impl UpdateCompany {
    fn parse(self) -> Result<OrganizationChange, Problem> {
        let mut fields = Fields::new();
        let name = Twins { first: ("name", self.name), second: ("company_name", self.company_name) };
        let name = name.change(&mut fields, OrganizationName::parse);
        let slug = Twins { first: ("slug", self.slug), second: ("company_code", self.company_code) };
        let slug = slug.change(&mut fields, Slug::parse);
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
#[utoipa::path(method(patch, put), path = "/companies/{id}", tag = "organizations",
    security(("bearer" = []), ("api_key" = ["organizations:write"])), request_body = UpdateCompany,
    params(("id" = Uuid, Path, description = "The organization"),
        ("If-Match" = Option<String>, Header, description = "Only change this version")),
    responses((status = 200, description = "The organization after the change.", body = CompanyView)))]
pub(crate) async fn handler(
    Insider(caller): Insider,
    state: State,
    if_match: IfMatch,
    JsonBody(body): JsonBody<UpdateCompany>,
) -> Result<Tagged<CompanyView>, Problem> {
    change(&caller, &state, &if_match, body.parse()?).await
}
