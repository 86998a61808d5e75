use serde::Deserialize;
use tenantry_sync::{CycleId, SessionFilter, SessionStatus};
use tenantry_tenancy::ProjectId;
use utoipa::IntoParams;
use uuid::Uuid;

use super::view::SessionView;
use crate::{
    caller::{Caller, State},
    fields::Fields,
    paging::{ListEnvelope, ListQuery, PagingParams},
    problem::Problem,
};

/// Which sync sessions.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListSessions {
    /// Of this project.
    project_id: Option<Uuid>,
    /// Of this cycle.
    cycle_id: Option<Uuid>,
    /// `pending`, `in_progress`, `completed`, `completed_with_errors`, `failed` or `cancelled`.
    status: Option<String>,
}

impl ListSessions {
    fn parse(&self) -> Result<SessionFilter, Problem> {
        let mut fields = Fields::new();
        let status = fields.optional("status", self.status.as_deref(), str::parse::<SessionStatus>);
        Ok(SessionFilter {
            project_id: self.project_id.map(ProjectId::from_uuid),
            cycle_id: self.cycle_id.map(CycleId::from_uuid),
            status: fields.finish(status)?,
        })
    }
}

/// List sync sessions, the newest first.
#[utoipa::path(get, path = "/sessions", tag = "sessions", params(PagingParams, ListSessions),
    security(("bearer" = []), ("api_key" = ["sync:read"])),
    responses((status = 200, description = "A page of sync sessions.", body = ListEnvelope<SessionView>)))]
pub(crate) async fn handler(
    caller: Caller,
    state: State,
    query: ListQuery<ListSessions>,
) -> Result<ListEnvelope<SessionView>, Problem> {
    let page = state.services.sync_sessions.list(&caller.context, query.filter.parse()?, &query.page).await?;
    Ok(query.envelope(page, SessionView::from))
}
