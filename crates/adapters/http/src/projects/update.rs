use serde::Deserialize;
use serde_json::{Map, Value};
use tenantry_tenancy::{
    BucketName, Metadata, ProjectChange, ProjectDescription, ProjectId, ProjectName, StoragePrefix,
};
use utoipa::ToSchema;
use uuid::Uuid;

use super::view::ProjectView;
use crate::{
    caller::{Caller, State},
    etag::{IfMatch, Tagged},
    fields::{Fields, JsonBody, Patch, PathId},
    problem::Problem,
};

/// A change of a project; what is absent stays as it is, null clears what may be empty.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpdateProject {
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 200)]
    name: Patch<String>,
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 5000)]
    description: Patch<String>,
    /// Whether work on it goes on.
    #[serde(default)]
    #[schema(value_type = Option<bool>)]
    is_active: Patch<bool>,
    /// Where its objects are to be stored; null: where the server stores them.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 3, max_length = 63)]
    bucket_name: Patch<String>,
    /// What the keys of its objects are to begin with; null: its id.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 255)]
    storage_prefix: Patch<String>,
    /// What clients keep with it, at most 16 KiB; null empties it.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    metadata: Patch<Map<String, Value>>,
}

impl UpdateProject {
    fn parse(self) -> Result<ProjectChange, Problem> {
        let mut fields = Fields::new();
        let name = fields.change("name", &self.name, ProjectName::parse);
        let description = fields.patch("description", &self.description, ProjectDescription::parse);
        let is_active = fields.change_value("is_active", self.is_active, Ok::<_, Problem>);
        let bucket_name = fields.patch("bucket_name", &self.bucket_name, BucketName::parse);
        let storage_prefix = fields.patch("storage_prefix", &self.storage_prefix, StoragePrefix::parse);
        let metadata = fields.check("metadata", self.metadata.try_map(Metadata::parse));
        let (name, description, is_active, bucket_name, storage_prefix, metadata) =
            fields.finish((name, description, is_active, bucket_name, storage_prefix, metadata))?;
        Ok(ProjectChange {
            name,
            description: description.into_change(),
            is_active,
            bucket_name: bucket_name.into_change(),
            storage_prefix: storage_prefix.into_change(),
            metadata: metadata.into_change().map(Option::unwrap_or_default),
        })
    }
}

/// Change a project.
#[utoipa::path(method(patch, put), path = "/projects/{id}", tag = "projects", request_body = UpdateProject,
    security(("bearer" = []), ("api_key" = ["projects:write"])),
    params(("id" = Uuid, Path, description = "The project"),
        ("If-Match" = Option<String>, Header, description = "Only change this version")),
    responses((status = 200, description = "The project after the change.", body = ProjectView)))]
pub(crate) async fn handler(
    caller: Caller,
    state: State,
    PathId(id): PathId<Uuid>,
    if_match: IfMatch,
    JsonBody(body): JsonBody<UpdateProject>,
) -> Result<Tagged<ProjectView>, Problem> {
    let change = body.parse()?;
    let project =
        state.services.projects.update(&caller.context, ProjectId::from_uuid(id), change, &if_match.0).await?;
    Ok(Tagged::ok(project.revision, ProjectView::from(project)))
}
