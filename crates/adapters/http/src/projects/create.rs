use actix_web::HttpResponse;
use serde::Deserialize;
use serde_json::{Map, Value};
use tenantry_tenancy::{BucketName, Metadata, NewProject, ProjectDescription, ProjectId, ProjectName, StoragePrefix};
use utoipa::ToSchema;
use uuid::Uuid;

use super::view::ProjectView;
use crate::{
    caller::{Caller, State},
    etag::Tagged,
    fields::Fields,
    idempotency::{Creation, Creator},
    operations::API_PREFIX,
    problem::Problem,
};

/// A new project.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateProject {
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    #[schema(max_length = 5000)]
    description: Option<String>,
    /// Whether work on it goes on; true by default.
    is_active: Option<bool>,
    /// Where its objects are to be stored, if not where the server stores them.
    #[schema(min_length = 3, max_length = 63)]
    bucket_name: Option<String>,
    /// What the keys of its objects are to go on with after the organization's id, if not with its own.
    #[schema(max_length = 255)]
    storage_prefix: Option<String>,
    /// What clients keep with it, at most 16 KiB.
    #[schema(value_type = Option<Object>)]
    metadata: Option<Map<String, Value>>,
}

impl CreateProject {
    fn parse(self, id: Option<ProjectId>) -> Result<NewProject, Problem> {
        let mut fields = Fields::new();
        let name = fields.parse("name", &self.name, ProjectName::parse);
        let description = fields.optional("description", self.description.as_deref(), ProjectDescription::parse);
        let bucket_name = fields.optional("bucket_name", self.bucket_name.as_deref(), BucketName::parse);
        let storage_prefix = fields.optional("storage_prefix", self.storage_prefix.as_deref(), StoragePrefix::parse);
        let metadata = fields.check("metadata", Metadata::parse(self.metadata.unwrap_or_default()));
        let (name, description, bucket_name, storage_prefix, metadata) =
            fields.finish((name, description, bucket_name, storage_prefix, metadata))?;
        let is_active = self.is_active.unwrap_or(true);
        Ok(NewProject { id, name, description, is_active, bucket_name, storage_prefix, metadata })
    }
}

/// Make a project.
#[utoipa::path(post, path = "/projects", tag = "projects", request_body = CreateProject,
    security(("bearer" = []), ("api_key" = ["projects:write"])),
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes sending the request again safe")),
    responses((status = 201, description = "The project.", body = ProjectView)))]
pub(crate) async fn handler(
    caller: Caller,
    state: State,
    creation: Creation<CreateProject>,
) -> Result<HttpResponse, Problem> {
    let create = async |body: CreateProject, reserved: Option<Uuid>| {
        let new = body.parse(reserved.map(ProjectId::from_uuid))?;
        let project = state.services.projects.create(&caller.context, new).await?;
        let location = format!("{API_PREFIX}/projects/{}", project.id);
        Ok(Tagged::created(project.revision, location, ProjectView::from(project)))
    };
    creation.once(&state, &Creator::within(&caller), create).await
}
