use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Map, Value};
use tenantry_sync::{CycleChange, CycleDescription, CycleId, CycleName, CycleNumber, CycleStatus, stated_time};
use tenantry_tenancy::{Metadata, ProjectId, StoragePrefix};
use utoipa::ToSchema;
use uuid::Uuid;

use super::view::CycleView;
use crate::{
    caller::{Caller, State},
    etag::{IfMatch, Tagged},
    fields::{Fields, JsonBody, Patch, PathId},
    problem::Problem,
};

/// A change of a cycle; what is absent stays as it is, null clears what may be empty.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpdateCycle {
    /// Only a cycle without sync sessions can change its project.
    #[serde(default)]
    #[schema(value_type = Option<Uuid>)]
    project_id: Patch<Uuid>,
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 200)]
    cycle_name: Patch<String>,
    #[serde(default)]
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 2_147_483_647)]
    cycle_number: Patch<i64>,
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 255)]
    s3_prefix: Patch<String>,
    /// `planned`, `active`, `completed` or `archived`.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    status: Patch<String>,
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 5000)]
    description: Patch<String>,
    /// What clients keep with it, at most 16 KiB; null empties it.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    metadata: Patch<Map<String, Value>>,
    #[serde(default)]
    #[schema(value_type = Option<DateTime<Utc>>)]
    started_at: Patch<DateTime<Utc>>,
    #[serde(default)]
    #[schema(value_type = Option<DateTime<Utc>>)]
    completed_at: Patch<DateTime<Utc>>,
}

impl UpdateCycle {
    fn parse(self) -> Result<CycleChange, Problem> {
        let mut fields = Fields::new();
        let project = fields.change_value("project_id", self.project_id, Ok::<_, Problem>);
        let name = fields.change("cycle_name", &self.cycle_name, CycleName::parse);
        let number = fields.change_value("cycle_number", self.cycle_number, CycleNumber::parse);
        let prefix = fields.patch("s3_prefix", &self.s3_prefix, StoragePrefix::parse);
        let status = fields.change("status", &self.status, str::parse::<CycleStatus>);
        let description = fields.patch("description", &self.description, CycleDescription::parse);
        let metadata = fields.check("metadata", self.metadata.try_map(Metadata::parse));
        let started_at = fields.check("started_at", self.started_at.try_map(stated_time));
        let completed_at = fields.check("completed_at", self.completed_at.try_map(stated_time));
        let parsed =
            fields.finish((project, name, number, prefix, status, description, metadata, started_at, completed_at))?;
        let (project, name, number, prefix, status, description, metadata, started_at, completed_at) = parsed;
        Ok(CycleChange {
            project_id: project.map(ProjectId::from_uuid),
            name,
            number,
            s3_prefix: prefix.into_change(),
            status,
            description: description.into_change(),
            metadata: metadata.into_change().map(Option::unwrap_or_default),
            started_at: started_at.into_change(),
            completed_at: completed_at.into_change(),
        })
    }
}

/// Change a cycle.
#[utoipa::path(method(patch, put), path = "/cycles/{id}", tag = "cycles", request_body = UpdateCycle,
    security(("bearer" = []), ("api_key" = ["sync:write"])),
    params(("id" = Uuid, Path, description = "The cycle"),
        ("If-Match" = Option<String>, Header, description = "Only change this version")),
    responses((status = 200, description = "The cycle after the change.", body = CycleView)))]
pub(crate) async fn handler(
    caller: Caller,
    state: State,
    PathId(id): PathId<Uuid>,
    if_match: IfMatch,
    JsonBody(body): JsonBody<UpdateCycle>,
) -> Result<Tagged<CycleView>, Problem> {
    let change = body.parse()?;
    let cycle = state.services.cycles.update(&caller.context, CycleId::from_uuid(id), change, &if_match.0).await?;
    Ok(Tagged::ok(cycle.revision, CycleView::from(cycle)))
}
