use actix_web::{HttpResponse, http::header::CONTENT_DISPOSITION};
use chrono::{DateTime, Utc};
use serde::Serialize;
use tenantry_application::AccountExport;
use tenantry_identity::{ApiKey, Session};
use tenantry_readings::Reading;
use tenantry_tenancy::OwnMembership;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    admin::AccountView,
    audit::PlatformAuditEntryView,
    auth::ApiKeyView,
    caller::{SignedIn, State},
    problem::Problem,
    readings::ReadingView,
};

/// What is kept about an account itself. What its owner made in organizations belongs to those, but for readings.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AccountExportView {
    /// When it was put together.
    exported_at: DateTime<Utc>,
    account: AccountView,
    /// Since when the account has a second factor.
    #[schema(required)]
    second_factor_since: Option<DateTime<Utc>>,
    /// Its live login sessions, the newest first, at most 100.
    sessions: Vec<ExportedSession>,
    /// Its memberships, the oldest first, at most 1,000.
    memberships: Vec<ExportedMembership>,
    /// Its API keys in organizations that are open to it.
    api_keys: Vec<ExportedApiKey>,
    /// What the audit logs tell of what it did: of itself, and of organizations that are open to it; the newest first of
    /// each, at most 10,000 of each.
    events: Vec<PlatformAuditEntryView>,
    /// Its readings in organizations that are open to it, the newest first of each, at most 10,000 of each.
    readings: Vec<ExportedReading>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ExportedSession {
    id: Uuid,
    #[schema(required)]
    user_agent: Option<String>,
    #[schema(required)]
    ip_address: Option<String>,
    created_at: DateTime<Utc>,
    last_seen_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ExportedMembership {
    organization_id: Uuid,
    organization: String,
    /// OWNER, ADMIN, MEMBER or GUEST.
    role: &'static str,
    is_active: bool,
    joined_at: DateTime<Utc>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ExportedApiKey {
    organization_id: Uuid,
    #[serde(flatten)]
    key: ApiKeyView,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ExportedReading {
    organization_id: Uuid,
    #[serde(flatten)]
    reading: ReadingView,
}

impl From<Session> for ExportedSession {
    fn from(session: Session) -> Self {
        Self {
            id: session.id.as_uuid(),
            user_agent: session.client.user_agent,
            ip_address: session.client.ip_address,
            created_at: session.created_at,
            last_seen_at: session.last_seen_at,
            expires_at: session.expires_at,
        }
    }
}

impl From<OwnMembership> for ExportedMembership {
    fn from(own: OwnMembership) -> Self {
        Self {
            organization_id: own.organization.id.as_uuid(),
            organization: own.organization.name.as_str().to_owned(),
            role: own.membership.role.as_str(),
            is_active: own.is_open(),
            joined_at: own.membership.joined_at,
        }
    }
}

impl From<ApiKey> for ExportedApiKey {
    fn from(key: ApiKey) -> Self {
        Self { organization_id: key.organization_id.as_uuid(), key: ApiKeyView::from(key) }
    }
}

impl From<Reading> for ExportedReading {
    fn from(reading: Reading) -> Self {
        Self { organization_id: reading.organization_id.as_uuid(), reading: ReadingView::from(reading) }
    }
}

impl From<AccountExport> for AccountExportView {
    fn from(export: AccountExport) -> Self {
        Self {
            exported_at: export.exported_at,
            account: AccountView::from(export.user),
            second_factor_since: export.second_factor_since,
            sessions: export.sessions.into_iter().map(ExportedSession::from).collect(),
            memberships: export.memberships.into_iter().map(ExportedMembership::from).collect(),
            api_keys: export.api_keys.into_iter().map(ExportedApiKey::from).collect(),
            events: export.events.into_iter().map(PlatformAuditEntryView::from).collect(),
            readings: export.readings.into_iter().map(ExportedReading::from).collect(),
        }
    }
}

/// Download what is kept about one's own account.
#[utoipa::path(get, path = "/users/me/export", tag = "users", security(("bearer" = [])),
    responses((status = 200, description = "The account and what belongs to it, as a file.",
        body = AccountExportView)))]
pub(crate) async fn handler(caller: SignedIn, state: State) -> Result<HttpResponse, Problem> {
    let export = state.services.exporter.export(&caller.principal).await?;
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_DISPOSITION, "attachment; filename=\"account.json\""))
        .json(AccountExportView::from(export)))
}
