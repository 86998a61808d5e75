use actix_web::web::Json;
use serde::Deserialize;
use tenantry_identity::LogoutScope;
use utoipa::ToSchema;

use super::view::Message;
use crate::{
    caller::{AnyCaller, State},
    fields::OptionalJsonBody,
    problem::Problem,
};

/// Which sessions to end.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Logout {
    #[serde(default)]
    scope: Scope,
}

/// Which sessions to end.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = LogoutScope)]
pub(crate) enum Scope {
    /// All of the user's.
    #[default]
    Global,
    /// This one.
    Local,
    /// All but this one.
    Others,
}

impl From<Scope> for LogoutScope {
    fn from(scope: Scope) -> Self {
        match scope {
            Scope::Global => Self::Global,
            Scope::Local => Self::Local,
            Scope::Others => Self::Others,
        }
    }
}

/// Sign out.
#[utoipa::path(post, path = "/auth/logout", tag = "auth", request_body = Option<Logout>,
    security(("bearer" = [])),
    responses((status = 200, description = "The sessions have ended.", body = Message)))]
pub(crate) async fn handler(
    AnyCaller(caller): AnyCaller,
    state: State,
    OptionalJsonBody(body): OptionalJsonBody<Logout>,
) -> Result<Json<Message>, Problem> {
    let scope = body.unwrap_or_default().scope;
    state.services.accounts.logout(&caller.principal, scope.into()).await?;
    Ok(Json(Message { message: "Logged out successfully" }))
}
