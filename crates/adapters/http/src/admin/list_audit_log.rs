use chrono::{DateTime, Utc};
use serde::Deserialize;
use tenantry_identity::AuditFilter;
use tenantry_kernel::OrganizationId;
use utoipa::IntoParams;
use uuid::Uuid;

use crate::{
    audit::{ListAuditLog, PlatformAuditEntryView},
    caller::{Administrator, State},
    paging::{ListEnvelope, ListQuery, PagingParams},
    problem::Problem,
};

/// Which entries of all logs.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListAllAuditLogs {
    /// In the log of this organization.
    organization_id: Option<Uuid>,
    /// By this user or API key.
    actor_id: Option<Uuid>,
    /// With this action, such as `user.login`.
    #[param(max_length = 100)]
    action: Option<String>,
    /// `success`, `denied` or `failure`.
    outcome: Option<String>,
    /// At this time or later.
    from: Option<DateTime<Utc>>,
    /// Before this time.
    to: Option<DateTime<Utc>>,
}

impl ListAllAuditLogs {
    fn parse(&self) -> Result<AuditFilter, Problem> {
        let (action, outcome) = (self.action.clone(), self.outcome.clone());
        let within_each = ListAuditLog { actor_id: self.actor_id, action, outcome, from: self.from, to: self.to };
        let organization_id = self.organization_id.map(OrganizationId::from_uuid);
        Ok(AuditFilter { organization_id, ..within_each.parse()? })
    }
}

/// List what was done, tried and refused on the platform, the newest first.
#[utoipa::path(get, path = "/admin/audit-log", tag = "admin", params(PagingParams, ListAllAuditLogs),
    security(("bearer" = [])),
    responses((status = 200, description = "A page of entries.", body = ListEnvelope<PlatformAuditEntryView>)))]
pub(crate) async fn handler(
    Administrator(context): Administrator,
    state: State,
    query: ListQuery<ListAllAuditLogs>,
) -> Result<ListEnvelope<PlatformAuditEntryView>, Problem> {
    let page = state.services.platform.list_audit_log(&context, &query.filter.parse()?, &query.page).await?;
    Ok(query.envelope(page, PlatformAuditEntryView::from))
}
