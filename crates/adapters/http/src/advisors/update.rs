use serde::Deserialize;
use tenantry_readings::{AdvisorChange, AdvisorDescription, AdvisorName, AdvisorTitle, Instructions};
use utoipa::ToSchema;

use super::{named, view::AdvisorView};
use crate::{
    caller::{Caller, State},
    etag::{IfMatch, Tagged},
    fields::{Fields, JsonBody, Patch, PathId},
    problem::Problem,
};

/// A change of an advisor; what is absent stays as it is. It can't be printed: what an advisor is told is nobody's to read.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpdateAdvisor {
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 100)]
    name: Patch<String>,
    /// What it is.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 200)]
    title: Patch<String>,
    /// What it is for; null empties it.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 1000)]
    description: Patch<String>,
    /// What it is told before any question. Never shown again.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 8000, write_only)]
    instructions: Patch<String>,
}

impl UpdateAdvisor {
    fn parse(self) -> Result<AdvisorChange, Problem> {
        let description = match self.description {
            Patch::Clear => Patch::Set(String::new()),
            description => description,
        };
        let mut fields = Fields::new();
        let name = fields.change("name", &self.name, AdvisorName::parse);
        let title = fields.change("title", &self.title, AdvisorTitle::parse);
        let description = fields.change("description", &description, AdvisorDescription::parse);
        let instructions = fields.change("instructions", &self.instructions, Instructions::parse);
        let (name, title, description, instructions) = fields.finish((name, title, description, instructions))?;
        Ok(AdvisorChange { name, title, description, instructions })
    }
}

/// Change an advisor of the organization's own.
#[utoipa::path(method(patch, put), path = "/advisors/{id}", tag = "advisors", request_body = UpdateAdvisor,
    security(("bearer" = []), ("api_key" = ["readings:write"])),
    params(("id" = String, Path, description = "The advisor"),
        ("If-Match" = Option<String>, Header, description = "Only change this version")),
    responses((status = 200, description = "The advisor after the change.", body = AdvisorView)))]
pub(crate) async fn handler(
    caller: Caller,
    state: State,
    PathId(id): PathId<String>,
    if_match: IfMatch,
    JsonBody(body): JsonBody<UpdateAdvisor>,
) -> Result<Tagged<AdvisorView>, Problem> {
    let (id, change) = (named(&id)?, body.parse()?);
    let advisor = state.services.advisors.update(&caller.context, &id, change, &if_match.0).await?;
    Ok(Tagged::ok(advisor.revision, AdvisorView::from(advisor)))
}
