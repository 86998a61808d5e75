use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value};
use tenantry_tenancy::{Project, ProjectDescription};
use utoipa::ToSchema;
use uuid::Uuid;

/// A project.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Project)]
pub(crate) struct ProjectView {
    id: Uuid,
    organization_id: Uuid,
    name: String,
    #[schema(required)]
    description: Option<String>,
    /// Whether work on it goes on.
    is_active: bool,
    /// Where its objects are stored; null: where the server stores them.
    #[schema(required)]
    bucket_name: Option<String>,
    /// What the keys of its objects go on with after the organization's id; null: its own id.
    #[schema(required)]
    storage_prefix: Option<String>,
    /// What clients keep with it.
    #[schema(value_type = Object)]
    metadata: Map<String, Value>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<Project> for ProjectView {
    fn from(project: Project) -> Self {
        Self {
            id: project.id.as_uuid(),
            organization_id: project.organization_id.as_uuid(),
            name: project.name.into_string(),
            description: project.description.map(ProjectDescription::into_string),
            is_active: project.is_active,
            bucket_name: project.bucket_name.map(|name| name.as_str().to_owned()),
            storage_prefix: project.storage_prefix.map(|prefix| prefix.as_str().to_owned()),
            metadata: project.metadata.as_map().clone(),
            created_at: project.created_at,
            updated_at: project.updated_at,
        }
    }
}
