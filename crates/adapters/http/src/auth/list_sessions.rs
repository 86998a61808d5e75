use chrono::{DateTime, Utc};
use serde::Serialize;
use tenantry_identity::{Session, SessionId};
use tenantry_kernel::{Cursor, SortKey};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    caller::{SignedIn, State},
    paging::{ListEnvelope, ListQuery, NoFilter, PagingParams},
    problem::Problem,
};

/// A signed-in device.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LoginSession)]
pub(crate) struct SessionView {
    id: Uuid,
    #[schema(required)]
    user_agent: Option<String>,
    #[schema(required)]
    ip_address: Option<String>,
    created_at: DateTime<Utc>,
    /// When it was last refreshed.
    last_seen_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    /// Whether it is the one that asks.
    current: bool,
}

impl SessionView {
    fn new(session: Session, current: SessionId) -> Self {
        Self {
            id: session.id.as_uuid(),
            user_agent: session.client.user_agent,
            ip_address: session.client.ip_address,
            created_at: session.created_at,
            last_seen_at: session.last_seen_at,
            expires_at: session.expires_at,
            current: session.id == current,
        }
    }
}

/// List one's live sessions, the newest first.
#[utoipa::path(get, path = "/auth/sessions", tag = "auth", params(PagingParams),
    security(("bearer" = [])),
    responses((status = 200, description = "A page of sessions.", body = ListEnvelope<SessionView>)))]
pub(crate) async fn handler(
    caller: SignedIn,
    state: State,
    query: ListQuery<NoFilter>,
) -> Result<ListEnvelope<SessionView>, Problem> {
    let current = caller.principal.session_id();
    let sessions = state.services.accounts.list_sessions(&caller.actor()).await?;
    let place = |session: &Session| Cursor { key: SortKey::Time(session.created_at), id: session.id.as_uuid() };
    Ok(query.envelope(query.cut(sessions, place), |session| SessionView::new(session, current)))
}
