use actix_web::HttpResponse;
use tenantry_sync::RunId;
use uuid::Uuid;

use super::view::StatusView;
use crate::{
    caller::{Caller, State},
    fields::PathId,
    problem::Problem,
};

/// Cancel a job: at once while it is queued, else as soon as its worker notices.
#[utoipa::path(post, path = "/uploads/{job_id}/cancel", tag = "uploads",
    security(("bearer" = []), ("api_key" = ["sync:write"])),
    params(("job_id" = Uuid, Path, description = "The job")),
    responses((status = 202, description = "The job, cancelled or about to be.", body = StatusView)))]
pub(crate) async fn handler(caller: Caller, state: State, PathId(id): PathId<Uuid>) -> Result<HttpResponse, Problem> {
    let run = state.services.uploads.cancel(&caller.context, RunId::from_uuid(id)).await?;
    Ok(HttpResponse::Accepted().json(StatusView::from(run)))
}
