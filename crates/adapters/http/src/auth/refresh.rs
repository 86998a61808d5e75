use actix_web::web::Json;
use serde::Deserialize;
use utoipa::ToSchema;

use super::view::Tokens;
use crate::{
    caller::{Origin, State},
    fields::JsonBody,
    problem::Problem,
};

/// What to stay signed in with.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Refresh {
    refresh_token: String,
}

/// Exchange a refresh token for the next pair of tokens.
///
/// The same token may be exchanged again, with the same refresh token for an answer, until that one is first used or
/// ten seconds have passed, whichever is later. After that it is taken for stolen, and its session ends.
#[utoipa::path(post, path = "/auth/refresh", tag = "auth", security(()), request_body = Refresh,
    responses((status = 200, description = "The next pair of tokens.", body = Tokens)))]
pub(crate) async fn handler(
    state: State,
    origin: Origin,
    JsonBody(body): JsonBody<Refresh>,
) -> Result<Json<Tokens>, Problem> {
    let refreshed = state.services.sign_in.refresh(&body.refresh_token, origin.0).await?;
    Ok(Json(refreshed.tokens.into()))
}
