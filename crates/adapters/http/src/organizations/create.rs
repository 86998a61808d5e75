use actix_web::HttpResponse;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tenantry_identity::Email;
use tenantry_kernel::OrganizationId;
use tenantry_tenancy::{Metadata, NewOrganization, Organization, OrganizationName, Slug};
use utoipa::ToSchema;
use uuid::Uuid;

use super::view::OrganizationView;
use crate::{
    caller::{SignedIn, State},
    etag::Tagged,
    fields::Fields,
    idempotency::{Creation, Creator},
    operations::API_PREFIX,
    problem::Problem,
};

/// A new organization.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateOrganization {
    /// What people call it.
    #[schema(min_length = 1, max_length = 255)]
    name: String,
    /// Its name in addresses; made from the name where absent.
    #[schema(max_length = 63)]
    slug: Option<String>,
    /// Whom to ask.
    #[schema(max_length = 254)]
    contact_email: Option<String>,
    /// What clients keep with it, at most 16 KiB.
    #[schema(value_type = Option<Object>)]
    metadata: Option<Map<String, Value>>,
}

impl CreateOrganization {
    fn parse(self) -> Result<NewOrganization, Problem> {
        let mut fields = Fields::new();
        let name = fields.parse("name", &self.name, OrganizationName::parse);
        let slug = fields.optional("slug", self.slug.as_deref(), Slug::parse);
        let contact_email = fields.optional("contact_email", self.contact_email.as_deref(), Email::parse);
        let metadata = fields.check("metadata", Metadata::parse(self.metadata.unwrap_or_default()));
        let (name, slug, contact_email, metadata) = fields.finish((name, slug, contact_email, metadata))?;
        Ok(NewOrganization { name, slug, contact_email, metadata })
    }
}

/// Found an organization; the caller becomes its owner.
#[utoipa::path(post, path = "/organizations", tag = "organizations", request_body = CreateOrganization,
    security(("bearer" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes sending the request again safe")),
    responses((status = 201, description = "The organization.", body = OrganizationView)))]
pub(crate) async fn handler(
    caller: SignedIn,
    state: State,
    creation: Creation<CreateOrganization>,
) -> Result<HttpResponse, Problem> {
    found::<_, OrganizationView>(&caller, &state, creation, CreateOrganization::parse, "organizations").await
}

/// Founds an organization, and answers it as a `V` in a collection of this name.
pub(crate) async fn found<B, V>(
    caller: &SignedIn,
    state: &State,
    creation: Creation<B>,
    parse: fn(B) -> Result<NewOrganization, Problem>,
    collection: &str,
) -> Result<HttpResponse, Problem>
where
    V: for<'o> From<&'o Organization> + Serialize,
{
    let creator = Creator { actor: caller.actor(), user_id: caller.principal.user_id(), organization_id: None };
    let create = async |body: B, reserved: Option<Uuid>| {
        let reserved = reserved.map(OrganizationId::from_uuid);
        let organization = state.services.organizations.create(creator.actor.clone(), parse(body)?, reserved).await?;
        let location = format!("{API_PREFIX}/{collection}/{}", organization.id);
        Ok(Tagged::created(organization.revision, location, V::from(&organization)))
    };
    creation.once(state, &creator, create).await
}
