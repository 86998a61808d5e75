use actix_web::web::Json;
use tenantry_application::JobId;

use super::view::JobView;
use crate::{
    caller::{Administrator, State},
    fields::PathId,
    problem::Problem,
};

/// Cancel a job that waits.
#[utoipa::path(post, path = "/admin/jobs/{id}/cancel", tag = "admin", security(("bearer" = [])),
    params(("id" = String, Path, description = "The job, a ULID")),
    responses((status = 200, description = "The job, which is cancelled.", body = JobView)))]
pub(crate) async fn handler(
    Administrator(context): Administrator,
    state: State,
    PathId(id): PathId<String>,
) -> Result<Json<JobView>, Problem> {
    let id = JobId::parse(&id).or(Err(Problem::not_found()))?;
    Ok(Json(JobView::from(state.services.jobs.cancel(&context, &id).await?)))
}
