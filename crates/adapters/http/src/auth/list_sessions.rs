use actix_web::web::Json;
use chrono::{DateTime, Utc};
use serde::Serialize;
use tenantry_identity::{Session, SessionId};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    caller::{Caller, State},
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

/// The user's live sessions.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SessionList {
    data: Vec<SessionView>,
    count: usize,
}

/// List one's live sessions, the newest first.
#[utoipa::path(get, path = "/auth/sessions", tag = "auth",
    responses((status = 200, description = "The sessions.", body = SessionList)))]
pub(crate) async fn handler(caller: Caller, state: State) -> Result<Json<SessionList>, Problem> {
    let current = caller.principal().session_id();
    let sessions = state.services.accounts.list_sessions(&caller.actor()).await?;
    let data: Vec<_> = sessions.into_iter().map(|session| SessionView::new(session, current)).collect();
    Ok(Json(SessionList { count: data.len(), data }))
}
