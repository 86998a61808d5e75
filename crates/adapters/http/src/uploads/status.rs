use actix_web::web::Json;
use tenantry_sync::RunId;
use uuid::Uuid;

use super::view::StatusView;
use crate::{
    caller::{Caller, State},
    fields::PathId,
    problem::Problem,
};

/// Read how far a job is.
#[utoipa::path(get, path = "/uploads/status/{job_id}", tag = "uploads",
    security(("bearer" = []), ("api_key" = ["sync:read"])),
    params(("job_id" = Uuid, Path, description = "The job")),
    responses((status = 200, description = "How far it is.", body = StatusView)))]
pub(crate) async fn handler(
    caller: Caller,
    state: State,
    PathId(id): PathId<Uuid>,
) -> Result<Json<StatusView>, Problem> {
    let run = state.services.uploads.status(&caller.context, RunId::from_uuid(id)).await?;
    Ok(Json(StatusView::from(run)))
}
