use serde::Deserialize;
use tenantry_sync::{CycleFilter, CycleStatus};
use tenantry_tenancy::ProjectId;
use utoipa::IntoParams;
use uuid::Uuid;

use super::view::CycleView;
use crate::{
    caller::{Caller, State},
    fields::Fields,
    paging::{ListEnvelope, ListQuery, PagingParams},
    problem::Problem,
};

/// Which cycles.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListCycles {
    /// Of this project.
    project_id: Option<Uuid>,
    /// `planned`, `active`, `completed` or `archived`.
    status: Option<String>,
}

impl ListCycles {
    fn parse(&self) -> Result<CycleFilter, Problem> {
        let mut fields = Fields::new();
        let status = fields.optional("status", self.status.as_deref(), str::parse::<CycleStatus>);
        let status = fields.finish(status)?;
        Ok(CycleFilter { project_id: self.project_id.map(ProjectId::from_uuid), status })
    }
}

/// List cycles, the newest first.
#[utoipa::path(get, path = "/cycles", tag = "cycles", params(PagingParams, ListCycles),
    security(("bearer" = []), ("api_key" = ["sync:read"])),
    responses((status = 200, description = "A page of cycles.", body = ListEnvelope<CycleView>)))]
pub(crate) async fn handler(
    caller: Caller,
    state: State,
    query: ListQuery<ListCycles>,
) -> Result<ListEnvelope<CycleView>, Problem> {
    let page = state.services.cycles.list(&caller.context, query.filter.parse()?, &query.page).await?;
    Ok(query.envelope(page, CycleView::from))
}
