use actix_web::web::Json;
use tenantry_kernel::JobId;
use uuid::Uuid;

use super::view::JobView;
use crate::{
    caller::{Administrator, State},
    fields::PathId,
    problem::Problem,
};

/// Let a job that has failed or was cancelled be done again.
#[utoipa::path(post, path = "/admin/jobs/{id}/retry", tag = "admin", security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "The job")),
    responses((status = 200, description = "The job, which waits again.", body = JobView)))]
pub(crate) async fn handler(
    Administrator(context): Administrator,
    state: State,
    PathId(id): PathId<Uuid>,
) -> Result<Json<JobView>, Problem> {
    Ok(Json(JobView::from(state.services.jobs.retry(&context, JobId::from_uuid(id)).await?)))
}
