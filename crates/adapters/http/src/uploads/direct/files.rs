use actix_web::web::Json;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tenantry_sync::{Declaration, DeclarationError, Declared, NextStep, RunId, objects::RelativePath};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{check_length, view::RequestView};
use crate::{
    caller::{Caller, State},
    fields::{JsonBody, PathId},
    operations::API_PREFIX,
    problem::Problem,
};

/// Files that a client has.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeclareFiles {
    #[schema(min_items = 1, max_items = 1000)]
    files: Vec<FileDeclaration>,
}

/// A file that a client has.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileDeclaration {
    /// Where it goes below the job's prefix: `/` between names, none of them empty, `.` or `..`.
    path: Option<String>,
    /// The same in base64, in place of `path`, for names that are not UTF-8.
    path_base64: Option<String>,
    /// Bytes.
    size: u64,
    /// The CRC-64/NVME of the whole, in base64 as Amazon S3 writes it. Files that are sent in parts need it, and only
    /// those that have it are recognised when the store has them already.
    crc64nvme: Option<String>,
}

/// What a client is to do about files, in the order of the request.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeclaredFiles)]
pub(crate) struct FilesView {
    data: Vec<FileView>,
    count: usize,
}

/// What a client is to do about a file.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = DeclaredFile)]
pub(crate) struct FileView {
    /// Bytes that are not UTF-8 replaced.
    path: String,
    #[schema(required)]
    file_id: Option<Uuid>,
    /// `skip`: the store has these bytes. `put`: send `request` with the whole file as its body. `multipart`: ask for
    /// requests for the parts that are not in `parts_done`. `tus`: send the bytes to `upload_url` by tus 1.0. `later`: name
    /// the file again after a while, as `error` says. `error`: this file can't be taken, as `error` says.
    action: &'static str,
    #[schema(required)]
    request: Option<RequestView>,
    /// Until when the request may be sent.
    #[schema(required)]
    expires_at: Option<DateTime<Utc>>,
    /// Bytes of every part but the last.
    #[schema(required)]
    part_size: Option<u64>,
    /// Numbers of parts that the store has.
    #[schema(required)]
    parts_done: Option<Vec<u32>>,
    /// Where to send the bytes, from the offset that HEAD tells.
    #[schema(required)]
    upload_url: Option<String>,
    #[schema(required)]
    error: Option<String>,
}

/// Why a file is to be declared again.
const LATER: &str = "the object store can't be asked what it has of the file";

impl FileDeclaration {
    fn shown_path(&self) -> String {
        let bytes = || STANDARD.decode(self.path_base64.as_deref()?).ok();
        let decoded = || bytes().map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        self.path.clone().or_else(decoded).unwrap_or_default()
    }

    fn parse(self) -> Result<Declaration, DeclarationError> {
        let path = match (&self.path, &self.path_base64) {
            (Some(text), None) => RelativePath::parse_text(text),
            (None, Some(encoded)) => STANDARD.decode(encoded).ok().and_then(|bytes| RelativePath::parse(&bytes)),
            _ => None,
        };
        let checksum = self.crc64nvme.as_deref().map(str::parse).transpose().or(Err(DeclarationError::Checksum))?;
        Ok(Declaration { path: path.ok_or(DeclarationError::Path)?, size: self.size, checksum })
    }
}

impl FileView {
    fn of(path: String, outcome: Result<Declared, DeclarationError>) -> Self {
        let Declared { file_id, next } = match outcome {
            Ok(declared) => declared,
            Err(error) => return Self { path, action: "error", error: Some(error.to_string()), ..Self::default() },
        };
        let view = Self { path, file_id: Some(file_id.as_uuid()), ..Self::default() };
        match next {
            NextStep::Skip => Self { action: "skip", ..view },
            NextStep::Put(presigned) => Self {
                action: "put",
                request: Some(presigned.request.into()),
                expires_at: Some(presigned.expires_at),
                ..view
            },
            NextStep::Append => {
                let upload_url = Some(format!("{API_PREFIX}/uploads/tus/{file_id}"));
                Self { action: "tus", upload_url, ..view }
            }
            NextStep::Later(error) => {
                tracing::warn!(?error, %file_id, "an object store could not be asked for the parts of a file");
                Self { action: "later", error: Some(LATER.to_owned()), ..view }
            }
            NextStep::Multipart { part_size, parts_done } => {
                Self { action: "multipart", part_size: Some(part_size), parts_done: Some(parts_done), ..view }
            }
        }
    }
}

/// Say which files are to be in the store, and learn what is to be sent of each.
///
/// A file that can't be taken keeps the others from nothing. Saying it again is harmless: the last word counts.
#[utoipa::path(post, path = "/uploads/{job_id}/files", tag = "uploads", request_body = DeclareFiles,
    security(("bearer" = []), ("api_key" = ["sync:write"])),
    params(("job_id" = Uuid, Path, description = "The job")),
    responses((status = 200, description = "What is to be done about each.", body = FilesView)))]
pub(crate) async fn handler(
    caller: Caller,
    state: State,
    PathId(id): PathId<Uuid>,
    JsonBody(body): JsonBody<DeclareFiles>,
) -> Result<Json<FilesView>, Problem> {
    check_length("files", &body.files)?;
    let paths: Vec<String> = body.files.iter().map(FileDeclaration::shown_path).collect();
    let files = body.files.into_iter().map(FileDeclaration::parse).collect();
    let declared = state.services.direct_uploads.declare(&caller.context, RunId::from_uuid(id), files).await?;
    let data: Vec<_> = paths.into_iter().zip(declared).map(|(path, outcome)| FileView::of(path, outcome)).collect();
    Ok(Json(FilesView { count: data.len(), data }))
}
