use tenantry_readings::ReadingId;
use uuid::Uuid;

use super::view::ReadingView;
use crate::{
    caller::{Caller, State},
    etag::Tagged,
    fields::PathId,
    problem::Problem,
};

/// Cancel a reading: whoever answers it is stopped. One that is over stays as it is.
#[utoipa::path(post, path = "/readings/{id}/cancel", tag = "readings",
    security(("bearer" = []), ("api_key" = ["readings:write"])),
    params(("id" = Uuid, Path, description = "The reading")),
    responses((status = 200, description = "The reading, cancelled or about to be.", body = ReadingView)))]
pub(crate) async fn handler(
    caller: Caller,
    state: State,
    PathId(id): PathId<Uuid>,
) -> Result<Tagged<ReadingView>, Problem> {
    let reading = state.services.readings.cancel(&caller.context, ReadingId::from_uuid(id)).await?;
    Ok(Tagged::ok(reading.revision, ReadingView::from(reading)))
}
