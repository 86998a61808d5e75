use actix_web::web::Json;
use tenantry_kernel::JobId;
use uuid::Uuid;

use super::view::JobView;
use crate::{
    caller::{Administrator, State},
    fields::PathId,
    problem::Problem,
};

/// Cancel a job that waits, or have the worker of one that is under way end it.
#[utoipa::path(post, path = "/admin/jobs/{id}/cancel", tag = "admin", security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "The job")),
    responses((status = 200, description = "The job, which is cancelled, or will be in a few seconds.", body = JobView)))]
pub(crate) async fn handler(
    Administrator(context): Administrator,
    state: State,
    PathId(id): PathId<Uuid>,
) -> Result<Json<JobView>, Problem> {
    Ok(Json(JobView::from(state.services.jobs.cancel(&context, JobId::from_uuid(id)).await?)))
}
