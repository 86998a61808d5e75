use tenantry_readings::ReadingId;
use uuid::Uuid;

use super::view::ReadingView;
use crate::{
    caller::{Caller, State},
    etag::Tagged,
    fields::PathId,
    problem::Problem,
};

/// Read a reading of one's own.
#[utoipa::path(get, path = "/readings/{id}", tag = "readings",
    security(("bearer" = []), ("api_key" = ["readings:read"])),
    params(("id" = Uuid, Path, description = "The reading")),
    responses((status = 200, description = "The reading.", body = ReadingView)))]
pub(crate) async fn handler(
    caller: Caller,
    state: State,
    PathId(id): PathId<Uuid>,
) -> Result<Tagged<ReadingView>, Problem> {
    let reading = state.services.readings.find(&caller.context, ReadingId::from_uuid(id)).await?;
    Ok(Tagged::ok(reading.revision, ReadingView::from(reading)))
}
