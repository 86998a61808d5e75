use actix_web::HttpResponse;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Map, Value};
use tenantry_sync::{CycleDescription, CycleId, CycleName, CycleNumber, CycleStatus, NewCycle, stated_time};
use tenantry_tenancy::{Metadata, ProjectId, StoragePrefix};
use utoipa::ToSchema;
use uuid::Uuid;

use super::view::CycleView;
use crate::{
    caller::{Caller, State},
    etag::Tagged,
    fields::Fields,
    idempotency::{Creation, Creator},
    operations::API_PREFIX,
    problem::Problem,
};

/// A new cycle.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateCycle {
    project_id: Uuid,
    #[schema(min_length = 1, max_length = 200)]
    cycle_name: String,
    /// Which round; no other cycle of the project has the same.
    #[schema(minimum = 1, maximum = 2_147_483_647)]
    cycle_number: i64,
    /// Where its objects are to be stored, below the project's own prefix.
    #[schema(max_length = 255)]
    s3_prefix: Option<String>,
    /// `planned` (the default), `active`, `completed` or `archived`.
    status: Option<String>,
    #[schema(max_length = 5000)]
    description: Option<String>,
    /// What clients keep with it, at most 16 KiB.
    #[schema(value_type = Option<Object>)]
    metadata: Option<Map<String, Value>>,
    started_at: Option<DateTime<Utc>>,
    completed_at: Option<DateTime<Utc>>,
}

impl CreateCycle {
    fn parse(self, id: Option<CycleId>) -> Result<NewCycle, Problem> {
        let mut fields = Fields::new();
        let name = fields.parse("cycle_name", &self.cycle_name, CycleName::parse);
        let number = fields.check("cycle_number", CycleNumber::parse(self.cycle_number));
        let s3_prefix = fields.optional("s3_prefix", self.s3_prefix.as_deref(), StoragePrefix::parse);
        let status = fields.optional("status", self.status.as_deref(), str::parse::<CycleStatus>);
        let description = fields.optional("description", self.description.as_deref(), CycleDescription::parse);
        let metadata = fields.check("metadata", Metadata::parse(self.metadata.unwrap_or_default()));
        let started_at = fields.check("started_at", self.started_at.map(stated_time).transpose());
        let completed_at = fields.check("completed_at", self.completed_at.map(stated_time).transpose());
        let parsed =
            fields.finish((name, number, s3_prefix, status, description, metadata, started_at, completed_at))?;
        let (name, number, s3_prefix, status, description, metadata, started_at, completed_at) = parsed;
        Ok(NewCycle {
            id,
            project_id: ProjectId::from_uuid(self.project_id),
            name,
            number,
            s3_prefix,
            status: status.unwrap_or_default(),
            description,
            metadata,
            started_at,
            completed_at,
        })
    }
}

/// Make a cycle.
#[utoipa::path(post, path = "/cycles", tag = "cycles", request_body = CreateCycle,
    security(("bearer" = []), ("api_key" = ["sync:write"])),
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes sending the request again safe")),
    responses((status = 201, description = "The cycle.", body = CycleView)))]
pub(crate) async fn handler(
    caller: Caller,
    state: State,
    creation: Creation<CreateCycle>,
) -> Result<HttpResponse, Problem> {
    let create = async |body: CreateCycle, reserved: Option<Uuid>| {
        let new = body.parse(reserved.map(CycleId::from_uuid))?;
        let cycle = state.services.cycles.create(&caller.context, new).await?;
        let location = format!("{API_PREFIX}/cycles/{}", cycle.id);
        Ok(Tagged::created(cycle.revision, location, CycleView::from(cycle)))
    };
    creation.once(&state, &Creator::within(&caller), create).await
}
