use chrono::{DateTime, Utc};
use serde::Deserialize;
use tenantry_identity::AuditFilter;
use tenantry_kernel::parse_text;
use utoipa::IntoParams;
use uuid::Uuid;

use super::view::AuditEntryView;
use crate::{
    caller::{Caller, State},
    fields::Fields,
    paging::{ListEnvelope, ListQuery, PagingParams},
    problem::Problem,
};

/// The most characters of an action's name.
const ACTION_CHARACTERS: usize = 100;

/// Which entries.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListAuditLog {
    /// By this user or API key.
    pub(crate) actor_id: Option<Uuid>,
    /// With this action, such as `user.login`.
    #[param(max_length = 100)]
    pub(crate) action: Option<String>,
    /// `success`, `denied` or `failure`.
    pub(crate) outcome: Option<String>,
    /// At this time or later.
    pub(crate) from: Option<DateTime<Utc>>,
    /// Before this time.
    pub(crate) to: Option<DateTime<Utc>>,
}

impl ListAuditLog {
    pub(crate) fn parse(&self) -> Result<AuditFilter, Problem> {
        let mut fields = Fields::new();
        let action = fields.optional("action", self.action.as_deref(), |raw| parse_text(raw, 1, ACTION_CHARACTERS));
        let outcome = fields.optional("outcome", self.outcome.as_deref(), str::parse);
        let (action, outcome) = fields.finish((action, outcome))?;
        Ok(AuditFilter {
            organization_id: None,
            actor_id: self.actor_id,
            action,
            outcome,
            from: self.from,
            to: self.to,
        })
    }
}

/// List what was done, tried and refused in the organization, the newest first.
#[utoipa::path(get, path = "/audit-log", tag = "audit", params(PagingParams, ListAuditLog),
    security(("bearer" = []), ("api_key" = ["audit:read"])),
    responses((status = 200, description = "A page of entries.", body = ListEnvelope<AuditEntryView>)))]
pub(crate) async fn handler(
    caller: Caller,
    state: State,
    query: ListQuery<ListAuditLog>,
) -> Result<ListEnvelope<AuditEntryView>, Problem> {
    let page = state.services.audit_log.list(&caller.context, &query.filter.parse()?, &query.page).await?;
    Ok(query.envelope(page, AuditEntryView::from))
}
