use actix_web::web::Json;
use tenantry_sync::RunId;
use uuid::Uuid;

use crate::{
    caller::{Caller, State},
    fields::PathId,
    problem::Problem,
    uploads::view::StatusView,
};

/// End a job to which a client has sent files.
///
/// Files that were declared and not completed count as failed from then on. Ending it again answers the same.
#[utoipa::path(post, path = "/uploads/{job_id}/finish", tag = "uploads",
    security(("bearer" = []), ("api_key" = ["sync:write"])),
    params(("job_id" = Uuid, Path, description = "The job")),
    responses((status = 200, description = "The job, finished.", body = StatusView)))]
pub(crate) async fn handler(
    caller: Caller,
    state: State,
    PathId(id): PathId<Uuid>,
) -> Result<Json<StatusView>, Problem> {
    let run = state.services.direct_uploads.finish(&caller.context, RunId::from_uuid(id)).await?;
    Ok(Json(StatusView::from(run)))
}
