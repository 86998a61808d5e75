use actix_web::web::Json;
use tenantry_application::JobId;

use super::view::JobView;
use crate::{
    caller::{Administrator, State},
    fields::PathId,
    problem::Problem,
};

/// Let a job that has failed or was cancelled be done again.
#[utoipa::path(post, path = "/admin/jobs/{id}/retry", tag = "admin", security(("bearer" = [])),
    params(("id" = String, Path, description = "The job, a ULID")),
    responses((status = 200, description = "The job, which waits again.", body = JobView)))]
pub(crate) async fn handler(
    Administrator(context): Administrator,
    state: State,
    PathId(id): PathId<String>,
) -> Result<Json<JobView>, Problem> {
    let id = JobId::parse(&id).or(Err(Problem::not_found()))?;
    Ok(Json(JobView::from(state.services.jobs.retry(&context, &id).await?)))
}
