use actix_web::HttpResponse;
use serde::Deserialize;
use serde_json::{Map, Value};
use tenantry_identity::Email;
use tenantry_tenancy::{Metadata, NewOrganization, OrganizationName, Slug};
use utoipa::ToSchema;

use super::{twins::Twins, view::CompanyView};
use crate::{
    caller::{SignedIn, State},
    fields::Fields,
    idempotency::Creation,
    organizations::found,
    problem::Problem,
};

/// A new organization; one of its two names is needed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateCompany {
    /// The same as `company_name`.
    #[schema(min_length = 1, max_length = 255)]
    name: Option<String>,
    /// What people call it.
    #[schema(min_length = 1, max_length = 255)]
    company_name: Option<String>,
    /// The same as `company_code`.
    #[schema(max_length = 63)]
    slug: Option<String>,
    /// Its name in addresses; made from the name where absent.
    #[schema(max_length = 63)]
    company_code: Option<String>,
    /// Whom to ask.
    #[schema(max_length = 254)]
    contact_email: Option<String>,
    /// What clients keep with it, at most 16 KiB.
    #[schema(value_type = Option<Object>)]
    metadata: Option<Map<String, Value>>,
}

impl CreateCompany {
    fn parse(self) -> Result<NewOrganization, Problem> {
        let mut fields = Fields::new();
        let name = Twins { first: ("name", self.name), second: ("company_name", self.company_name) };
        let name = name.required(&mut fields, OrganizationName::parse);
        let slug = Twins { first: ("slug", self.slug), second: ("company_code", self.company_code) };
        let slug = slug.optional(&mut fields, Slug::parse);
        let contact_email = fields.optional("contact_email", self.contact_email.as_deref(), Email::parse);
        let metadata = fields.check("metadata", Metadata::parse(self.metadata.unwrap_or_default()));
        let (name, slug, contact_email, metadata) = fields.finish((name, slug, contact_email, metadata))?;
        Ok(NewOrganization { name, slug, contact_email, metadata })
    }
}

/// Found an organization; the caller becomes its owner.
#[utoipa::path(post, path = "/companies", tag = "organizations",
    security(("bearer" = [])), request_body = CreateCompany,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes sending the request again safe")),
    responses((status = 201, description = "The organization.", body = CompanyView)))]
pub(crate) async fn handler(
    caller: SignedIn,
    state: State,
    creation: Creation<CreateCompany>,
) -> Result<HttpResponse, Problem> {
    found::<_, CompanyView>(&caller, &state, creation, CreateCompany::parse, "companies").await
}
