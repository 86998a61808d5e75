use tenantry_sync::SyncSessionId;
use uuid::Uuid;

use super::view::SessionView;
use crate::{
    caller::{Caller, State},
    etag::Tagged,
    fields::PathId,
    problem::Problem,
};

/// Read a sync session.
#[utoipa::path(get, path = "/sessions/{id}", tag = "sessions",
    security(("bearer" = []), ("api_key" = ["sync:read"])),
    params(("id" = Uuid, Path, description = "The sync session")),
    responses((status = 200, description = "The sync session.", body = SessionView)))]
pub(crate) async fn handler(
    caller: Caller,
    state: State,
    PathId(id): PathId<Uuid>,
) -> Result<Tagged<SessionView>, Problem> {
    let session = state.services.sync_sessions.find(&caller.context, SyncSessionId::from_uuid(id)).await?;
    Ok(SessionView::tagged(session))
}
