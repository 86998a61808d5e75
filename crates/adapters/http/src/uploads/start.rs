use actix_web::{HttpResponse, http::header::LOCATION};
use serde::Deserialize;
use tenantry_sync::{RunId, StartRun, SyncSessionId};
use utoipa::ToSchema;
use uuid::Uuid;

use super::view::QueuedView;
use crate::{
    caller::{Caller, State},
    idempotency::{Creation, Creator},
    operations::API_PREFIX,
    problem::Problem,
};

/// What to start.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StartUpload {
    session_id: Uuid,
    /// Whether it is only to count what it would upload.
    dry_run: Option<bool>,
    /// How many objects it may remove where the session removes those whose files are gone. Without it, a job fails
    /// that would remove any object while the folder is empty, or more than a hundred that are more than a tenth.
    confirmed_deletions: Option<u32>,
}

/// Queue a job that syncs a session.
#[utoipa::path(post, path = "/uploads/start", tag = "uploads", request_body = StartUpload,
    security(("bearer" = []), ("api_key" = ["sync:write"])),
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes sending the request again safe")),
    responses((status = 202, description = "The job is queued.", body = QueuedView)))]
pub(crate) async fn handler(
    caller: Caller,
    state: State,
    creation: Creation<StartUpload>,
) -> Result<HttpResponse, Problem> {
    let start = async |body: StartUpload, reserved: Option<Uuid>| {
        let start = StartRun {
            id: reserved.map(RunId::from_uuid),
            session_id: SyncSessionId::from_uuid(body.session_id),
            dry_run: body.dry_run.unwrap_or_default(),
            confirmed_deletions: body.confirmed_deletions.unwrap_or_default().into(),
        };
        let run = state.services.uploads.start(&caller.context, start).await?;
        let location = format!("{API_PREFIX}/uploads/status/{}", run.id);
        Ok(HttpResponse::Accepted().insert_header((LOCATION, location)).json(QueuedView::from(run)))
    };
    creation.once(&state, &Creator::within(&caller), start).await
}
