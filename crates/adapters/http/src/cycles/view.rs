use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value};
use tenantry_sync::{Cycle, CycleDescription};
use utoipa::ToSchema;
use uuid::Uuid;

/// A cycle.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Cycle)]
pub(crate) struct CycleView {
    id: Uuid,
    organization_id: Uuid,
    project_id: Uuid,
    cycle_name: String,
    /// Which round of the project.
    cycle_number: i64,
    /// Where its objects are stored, below the project's own prefix.
    #[schema(required)]
    s3_prefix: Option<String>,
    /// `planned`, `active`, `completed` or `archived`.
    status: &'static str,
    #[schema(required)]
    description: Option<String>,
    /// What clients keep with it.
    #[schema(value_type = Object)]
    metadata: Map<String, Value>,
    #[schema(required)]
    started_at: Option<DateTime<Utc>>,
    #[schema(required)]
    completed_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<Cycle> for CycleView {
    fn from(cycle: Cycle) -> Self {
        Self {
            id: cycle.id.as_uuid(),
            organization_id: cycle.organization_id.as_uuid(),
            project_id: cycle.project_id.as_uuid(),
            cycle_name: cycle.name.into_string(),
            cycle_number: cycle.number.get(),
            s3_prefix: cycle.s3_prefix.map(|prefix| prefix.as_str().to_owned()),
            status: cycle.status.as_str(),
            description: cycle.description.map(CycleDescription::into_string),
            metadata: cycle.metadata.as_map().clone(),
            started_at: cycle.started_at,
            completed_at: cycle.completed_at,
            created_at: cycle.created_at,
            updated_at: cycle.updated_at,
        }
    }
}
