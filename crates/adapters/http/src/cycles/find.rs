use tenantry_sync::CycleId;
use uuid::Uuid;

use super::view::CycleView;
use crate::{
    caller::{Caller, State},
    etag::Tagged,
    fields::PathId,
    problem::Problem,
};

/// Read a cycle.
#[utoipa::path(get, path = "/cycles/{id}", tag = "cycles",
    security(("bearer" = []), ("api_key" = ["sync:read"])),
    params(("id" = Uuid, Path, description = "The cycle")),
    responses((status = 200, description = "The cycle.", body = CycleView)))]
pub(crate) async fn handler(
    caller: Caller,
    state: State,
    PathId(id): PathId<Uuid>,
) -> Result<Tagged<CycleView>, Problem> {
    let cycle = state.services.cycles.find(&caller.context, CycleId::from_uuid(id)).await?;
    Ok(Tagged::ok(cycle.revision, CycleView::from(cycle)))
}
