use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value};
use tenantry_identity::{AuditEntry, OrganizationId};
use utoipa::ToSchema;
use uuid::Uuid;

/// Something that was done, tried or refused.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditEntryView {
    id: Uuid,
    occurred_at: DateTime<Utc>,
    /// The user or API key; null for somebody unknown.
    #[schema(required)]
    actor_id: Option<Uuid>,
    /// `user`, `api_key`, `platform` or `system`.
    actor_type: &'static str,
    /// What was done, as `resource.verb`.
    #[schema(example = "user.login")]
    action: String,
    #[schema(required)]
    target_type: Option<String>,
    #[schema(required)]
    target_id: Option<Uuid>,
    /// `success`, `denied` or `failure`.
    outcome: &'static str,
    #[schema(required)]
    ip_address: Option<String>,
    #[schema(required)]
    request_id: Option<String>,
    /// More about it.
    #[schema(value_type = Object)]
    data: Map<String, Value>,
}

impl From<AuditEntry> for AuditEntryView {
    fn from(entry: AuditEntry) -> Self {
        let (target_type, target_id) = match entry.target {
            Some(target) => (Some(target.kind.into_owned()), target.id),
            None => (None, None),
        };
        Self {
            id: entry.id.as_uuid(),
            occurred_at: entry.occurred_at,
            actor_id: entry.actor_id,
            actor_type: entry.actor_type.as_str(),
            action: entry.action.as_str().to_owned(),
            target_type,
            target_id,
            outcome: entry.outcome.as_str(),
            ip_address: entry.ip_address,
            request_id: entry.request_id,
            data: entry.data,
        }
    }
}

/// Something that was done, tried or refused, in whichever organization.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PlatformAuditEntryView {
    /// In whose log it is; null for what concerns an account alone.
    #[schema(required)]
    organization_id: Option<Uuid>,
    #[serde(flatten)]
    entry: AuditEntryView,
}

impl From<AuditEntry> for PlatformAuditEntryView {
    fn from(entry: AuditEntry) -> Self {
        let organization_id = entry.organization_id.map(OrganizationId::as_uuid);
        Self { organization_id, entry: AuditEntryView::from(entry) }
    }
}
