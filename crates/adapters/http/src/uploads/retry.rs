use actix_web::HttpResponse;
use tenantry_sync::RunId;
use uuid::Uuid;

use super::view::QueuedView;
use crate::{
    caller::{Caller, State},
    fields::PathId,
    problem::Problem,
};

/// Queue a job over the files that failed in this one.
#[utoipa::path(post, path = "/uploads/{job_id}/retry", tag = "uploads",
    security(("bearer" = []), ("api_key" = ["sync:write"])),
    params(("job_id" = Uuid, Path, description = "The job")),
    responses((status = 202, description = "The new job is queued.", body = QueuedView)))]
pub(crate) async fn handler(caller: Caller, state: State, PathId(id): PathId<Uuid>) -> Result<HttpResponse, Problem> {
    let run = state.services.uploads.retry(&caller.context, RunId::from_uuid(id)).await?;
    Ok(HttpResponse::Accepted().json(QueuedView::from(run)))
}
