use actix_web::web::Json;
use serde::{Deserialize, Serialize};
use tenantry_sync::{CycleId, SessionFilter, SessionStats, SessionStatus};
use tenantry_tenancy::ProjectId;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::{
    caller::{Caller, State},
    fields::QueryOf,
    problem::Problem,
};

/// Which sync sessions.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SessionsCounted {
    /// Of this project.
    project_id: Option<Uuid>,
    /// Of this cycle.
    cycle_id: Option<Uuid>,
}

/// What sync sessions come to together: their number, and what their latest jobs did.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SyncSessionStats)]
pub(crate) struct StatsView {
    total: u64,
    by_status: ByStatus,
    total_files: u64,
    files_uploaded: u64,
    files_skipped: u64,
    files_failed: u64,
    total_bytes: u64,
    bytes_uploaded: u64,
}

/// How many sync sessions there are in each status.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ByStatus {
    pending: u64,
    in_progress: u64,
    completed: u64,
    completed_with_errors: u64,
    failed: u64,
    cancelled: u64,
}

impl From<SessionStats> for StatsView {
    fn from(stats: SessionStats) -> Self {
        let of = |status: SessionStatus| {
            stats.by_status.iter().filter(|(known, _)| *known == status).map(|(_, count)| count).sum()
        };
        Self {
            total: stats.by_status.iter().map(|(_, count)| count).sum(),
            by_status: ByStatus {
                pending: of(SessionStatus::Pending),
                in_progress: of(SessionStatus::InProgress),
                completed: of(SessionStatus::Completed),
                completed_with_errors: of(SessionStatus::CompletedWithErrors),
                failed: of(SessionStatus::Failed),
                cancelled: of(SessionStatus::Cancelled),
            },
            total_files: stats.progress.total_files,
            files_uploaded: stats.progress.files_uploaded,
            files_skipped: stats.progress.files_skipped,
            files_failed: stats.progress.files_failed,
            total_bytes: stats.progress.total_bytes,
            bytes_uploaded: stats.progress.bytes_uploaded,
        }
    }
}

/// Add up sync sessions.
#[utoipa::path(get, path = "/sessions/stats", tag = "sessions", params(SessionsCounted),
    security(("bearer" = []), ("api_key" = ["sync:read"])),
    responses((status = 200, description = "What they come to.", body = StatsView)))]
pub(crate) async fn handler(
    caller: Caller,
    state: State,
    QueryOf(filter): QueryOf<SessionsCounted>,
) -> Result<Json<StatsView>, Problem> {
    let filter = SessionFilter {
        project_id: filter.project_id.map(ProjectId::from_uuid),
        cycle_id: filter.cycle_id.map(CycleId::from_uuid),
        status: None,
    };
    let sum = state.services.sync_sessions.stats(&caller.context, filter).await?;
    Ok(Json(StatsView::from(sum)))
}
