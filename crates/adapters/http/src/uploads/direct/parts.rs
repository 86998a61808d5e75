use actix_web::web::Json;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tenantry_sync::{FileRecordId, RunId, WantedPart};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{check_length, view::RequestView};
use crate::{
    caller::{Caller, State},
    fields::{Fields, JsonBody, PathId},
    problem::Problem,
};

/// Parts of a file that a client is about to send.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AskForParts {
    file_id: Uuid,
    #[schema(min_items = 1, max_items = 1000)]
    parts: Vec<PartDeclaration>,
}

/// A part of a file.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PartDeclaration {
    /// From 1.
    #[schema(minimum = 1)]
    number: u32,
    /// The CRC-64/NVME of the part, in base64 as Amazon S3 writes it.
    #[schema(max_length = 12)]
    crc64nvme: String,
}

/// Requests by which parts are sent, in the order in which they were asked for.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PresignedParts)]
pub(crate) struct PartsView {
    file_id: Uuid,
    /// Bytes of every part but the last.
    part_size: u64,
    /// Until when the requests may be sent.
    expires_at: DateTime<Utc>,
    data: Vec<PartView>,
    count: usize,
}

/// The request by which a part is sent.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PresignedPart)]
pub(crate) struct PartView {
    number: u32,
    /// Bytes.
    size: u64,
    request: RequestView,
}

impl AskForParts {
    fn parse(&self) -> Result<Vec<WantedPart>, Problem> {
        let mut fields = Fields::new();
        let texts: Vec<String> = self.parts.iter().map(|part| part.crc64nvme.clone()).collect();
        let checksums = fields.each("parts", &texts, str::parse);
        let checksums = fields.finish(checksums)?;
        let numbers = self.parts.iter().map(|part| part.number);
        Ok(numbers.zip(checksums).map(|(number, checksum)| WantedPart { number, checksum }).collect())
    }
}

/// Ask for the requests by which parts of a file are sent.
///
/// The parts are those of `part_size` in order, the last one shorter. Each request takes only bytes of the checksum that
/// was said for it.
#[utoipa::path(post, path = "/uploads/{job_id}/parts", tag = "uploads", request_body = AskForParts,
    security(("bearer" = []), ("api_key" = ["sync:write"])),
    params(("job_id" = Uuid, Path, description = "The job")),
    responses((status = 200, description = "The requests.", body = PartsView)))]
pub(crate) async fn handler(
    caller: Caller,
    state: State,
    PathId(id): PathId<Uuid>,
    JsonBody(body): JsonBody<AskForParts>,
) -> Result<Json<PartsView>, Problem> {
    check_length("parts", &body.parts)?;
    let (wanted, file_id) = (body.parse()?, FileRecordId::from_uuid(body.file_id));
    let uploads = &state.services.direct_uploads;
    let presigned = uploads.parts(&caller.context, RunId::from_uuid(id), file_id, &wanted).await?;
    let data: Vec<_> = presigned
        .parts
        .into_iter()
        .map(|part| PartView { number: part.number, size: part.size, request: part.request.into() })
        .collect();
    Ok(Json(PartsView {
        file_id: body.file_id,
        part_size: presigned.part_size,
        expires_at: presigned.expires_at,
        count: data.len(),
        data,
    }))
}
