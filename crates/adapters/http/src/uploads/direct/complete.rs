use actix_web::web::Json;
use serde::{Deserialize, Serialize};
use tenantry_sync::{Completed, CompletionError, FileRecordId, RunId};
use utoipa::ToSchema;
use uuid::Uuid;

use super::check_length;
use crate::{
    caller::{Caller, State},
    fields::{JsonBody, PathId},
    problem::Problem,
};

/// Files that a client has sent.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CompleteFiles {
    #[schema(min_items = 1, max_items = 1000)]
    file_ids: Vec<Uuid>,
}

/// What the store has of files, in the order of the request.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CompletedFiles)]
pub(crate) struct CompletedView {
    data: Vec<FileView>,
    count: usize,
}

/// What the store has of a file.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CompletedFile)]
pub(crate) struct FileView {
    file_id: Uuid,
    /// Bytes that are not UTF-8 replaced; null for a file that the job does not have.
    #[schema(required)]
    path: Option<String>,
    /// `uploaded`: it is in the store, and was compared. `pending`: it is not, and may be sent again.
    status: &'static str,
    /// Bytes, as declared.
    #[schema(required)]
    size: Option<u64>,
    /// The CRC-64/NVME of what is in the store, once it is uploaded.
    #[schema(required)]
    checksum: Option<String>,
    /// Why it is not uploaded: `missing`, `size_mismatch`, `checksum_mismatch`, `parts_missing`, `superseded` (declared
    /// anew since, here or in another job), `unknown` or `store_failed`.
    #[schema(required)]
    error: Option<&'static str>,
}

impl From<Completed> for FileView {
    fn from(completed: Completed) -> Self {
        let Completed { file_id, file, outcome } = completed;
        if let Err(error @ (CompletionError::Store(_) | CompletionError::Unverifiable)) = &outcome {
            tracing::warn!(?error, %file_id, "a file that was sent could not be verified");
        }
        Self {
            file_id: file_id.as_uuid(),
            path: file.as_ref().map(|file| file.path.to_string()),
            status: if outcome.is_ok() { "uploaded" } else { "pending" },
            size: file.map(|file| file.size),
            checksum: outcome.as_ref().ok().map(ToString::to_string),
            error: outcome.err().map(|error| word(&error)),
        }
    }
}

fn word(error: &CompletionError) -> &'static str {
    match error {
        CompletionError::Missing => "missing",
        CompletionError::SizeMismatch => "size_mismatch",
        CompletionError::ChecksumMismatch => "checksum_mismatch",
        CompletionError::PartsMissing => "parts_missing",
        CompletionError::Superseded => "superseded",
        CompletionError::Unknown => "unknown",
        CompletionError::Store(_) | CompletionError::Unverifiable => "store_failed",
    }
}

/// Have the server look whether files that were sent are in the store.
///
/// Parts are put together first. Asking again for a file that is uploaded answers so again.
#[utoipa::path(post, path = "/uploads/{job_id}/files/complete", tag = "uploads", request_body = CompleteFiles,
    security(("bearer" = []), ("api_key" = ["sync:write"])),
    params(("job_id" = Uuid, Path, description = "The job")),
    responses((status = 200, description = "What the store has of each.", body = CompletedView)))]
pub(crate) async fn handler(
    caller: Caller,
    state: State,
    PathId(id): PathId<Uuid>,
    JsonBody(body): JsonBody<CompleteFiles>,
) -> Result<Json<CompletedView>, Problem> {
    check_length("file_ids", &body.file_ids)?;
    let ids: Vec<_> = body.file_ids.into_iter().map(FileRecordId::from_uuid).collect();
    let completed = state.services.direct_uploads.complete(&caller.context, RunId::from_uuid(id), &ids).await?;
    let data: Vec<_> = completed.into_iter().map(FileView::from).collect();
    Ok(Json(CompletedView { count: data.len(), data }))
}
