use actix_web::HttpResponse;
use serde::Deserialize;
use tenantry_readings::{AdvisorDescription, AdvisorId, AdvisorName, AdvisorTitle, Instructions, NewAdvisor};
use utoipa::ToSchema;
use uuid::Uuid;

use super::view::AdvisorView;
use crate::{
    caller::{Caller, State},
    etag::Tagged,
    fields::Fields,
    idempotency::{Creation, Creator},
    operations::API_PREFIX,
    problem::Problem,
};

/// A new advisor. It can't be printed: what it is told is nobody's to read.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateAdvisor {
    /// Names it: a-z, 0-9 and -.
    #[schema(min_length = 1, max_length = 50)]
    id: String,
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// What it is.
    #[schema(min_length = 1, max_length = 200)]
    title: String,
    /// What it is for.
    #[schema(max_length = 1000)]
    description: Option<String>,
    /// What it is told before any question. Never shown again.
    #[schema(min_length = 1, max_length = 8000, write_only)]
    instructions: String,
}

impl CreateAdvisor {
    fn parse(self) -> Result<NewAdvisor, Problem> {
        let mut fields = Fields::new();
        let id = fields.parse("id", &self.id, AdvisorId::parse);
        let name = fields.parse("name", &self.name, AdvisorName::parse);
        let title = fields.parse("title", &self.title, AdvisorTitle::parse);
        let description =
            fields.parse("description", self.description.as_deref().unwrap_or_default(), AdvisorDescription::parse);
        let instructions = fields.parse("instructions", &self.instructions, Instructions::parse);
        let (id, name, title, description, instructions) =
            fields.finish((id, name, title, description, instructions))?;
        Ok(NewAdvisor { id, name, title, description, instructions })
    }
}

/// Make an advisor of the organization's own.
#[utoipa::path(post, path = "/advisors", tag = "advisors", request_body = CreateAdvisor,
    security(("bearer" = []), ("api_key" = ["readings:write"])),
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes sending the request again safe")),
    responses((status = 201, description = "The advisor.", body = AdvisorView)))]
pub(crate) async fn handler(
    caller: Caller,
    state: State,
    creation: Creation<CreateAdvisor>,
) -> Result<HttpResponse, Problem> {
    // Whoever makes it names it, so making it again makes no other.
    let create = async |body: CreateAdvisor, _: Option<Uuid>| {
        let advisor = state.services.advisors.create(&caller.context, body.parse()?).await?;
        let location = format!("{API_PREFIX}/advisors/{}", advisor.id);
        Ok(Tagged::created(advisor.revision, location, AdvisorView::from(advisor)))
    };
    creation.once(&state, &Creator::within(&caller), create).await
}
