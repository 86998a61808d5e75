use actix_web::{HttpResponse, http::header::LOCATION};
use serde::Deserialize;
use tenantry_sync::{CycleId, NewDirectUpload, RunId};
use tenantry_tenancy::{ProjectId, StoragePrefix};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    caller::{Caller, State},
    fields::Fields,
    idempotency::{Creation, Creator},
    operations::API_PREFIX,
    problem::Problem,
    uploads::view::StatusView,
};

/// Where a client's files are to go.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OpenDirectUpload {
    project_id: Uuid,
    cycle_id: Option<Uuid>,
    /// Where its objects are to go below the project's prefix, if not where its cycle's do.
    #[schema(max_length = 255)]
    s3_prefix: Option<String>,
}

impl OpenDirectUpload {
    fn parse(self, id: Option<RunId>) -> Result<NewDirectUpload, Problem> {
        let mut fields = Fields::new();
        let prefix = fields.optional("s3_prefix", self.s3_prefix.as_deref(), StoragePrefix::parse);
        Ok(NewDirectUpload {
            id,
            project_id: ProjectId::from_uuid(self.project_id),
            cycle_id: self.cycle_id.map(CycleId::from_uuid),
            s3_prefix: fields.finish(prefix)?,
        })
    }
}

/// Open a job to which a client sends files of its own.
///
/// It is `started` at once, and ends when it is finished or cancelled, or when its client has been silent for too long.
#[utoipa::path(post, path = "/uploads/direct", tag = "uploads", request_body = OpenDirectUpload,
    security(("bearer" = []), ("api_key" = ["sync:write"])),
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes sending the request again safe")),
    responses((status = 201, description = "The job.", body = StatusView)))]
pub(crate) async fn handler(
    caller: Caller,
    state: State,
    creation: Creation<OpenDirectUpload>,
) -> Result<HttpResponse, Problem> {
    let open = async |body: OpenDirectUpload, reserved: Option<Uuid>| {
        let new = body.parse(reserved.map(RunId::from_uuid))?;
        let run = state.services.direct_uploads.open(&caller.context, new).await?;
        let location = format!("{API_PREFIX}/uploads/status/{}", run.id);
        Ok(HttpResponse::Created().insert_header((LOCATION, location)).json(StatusView::from(run)))
    };
    creation.once(&state, &Creator::within(&caller), open).await
}
