use actix_web::web::Json;
use serde::Serialize;
use tenantry_application::PlatformStats;
use utoipa::ToSchema;

use crate::{
    caller::{Administrator, State},
    problem::Problem,
};

/// How much there is of everything; what is deleted is not counted.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PlatformStats)]
pub(crate) struct StatsView {
    /// Accounts.
    users: u64,
    /// Accounts that may sign in.
    active_users: u64,
    /// Accounts that signed in within the last 30 days.
    recent_users: u64,
    organizations: u64,
    /// Organizations whose members may work in them.
    active_organizations: u64,
    /// Live login sessions.
    sessions: u64,
    /// API keys that have not expired.
    api_keys: u64,
    projects: u64,
    tasks: u64,
    /// Mails that wait to be sent.
    waiting_mails: u64,
}

impl From<PlatformStats> for StatsView {
    fn from(stats: PlatformStats) -> Self {
        Self {
            users: stats.users,
            active_users: stats.active_users,
            recent_users: stats.recent_users,
            organizations: stats.organizations,
            active_organizations: stats.active_organizations,
            sessions: stats.sessions,
            api_keys: stats.api_keys,
            projects: stats.projects,
            tasks: stats.tasks,
            waiting_mails: stats.waiting_mails,
        }
    }
}

/// Count what there is on the platform.
#[utoipa::path(get, path = "/admin/stats", tag = "admin", security(("bearer" = [])),
    responses((status = 200, description = "The counts.", body = StatsView)))]
pub(crate) async fn handler(Administrator(context): Administrator, state: State) -> Result<Json<StatsView>, Problem> {
    Ok(Json(StatsView::from(state.services.platform.stats(&context).await?)))
}
