use actix_web::web::Json;
use serde::Deserialize;
use tenantry_identity::LinkToken;
use utoipa::ToSchema;

use crate::{
    auth::view::Message,
    caller::{Origin, State},
    fields::JsonBody,
    problem::{Problem, link_invalid},
};

/// What proves that somebody reads the mail of an address.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct VerifyEmail {
    /// What the mailed link holds after `#token=`.
    token: String,
}

/// Confirm an e-mail address by a mailed link, which is good once.
#[utoipa::path(post, path = "/auth/email/verify", tag = "auth", security(()), request_body = VerifyEmail,
    responses((status = 200, description = "The address is verified.", body = Message)))]
pub(crate) async fn handler(
    state: State,
    origin: Origin,
    JsonBody(body): JsonBody<VerifyEmail>,
) -> Result<Json<Message>, Problem> {
    let token = LinkToken::parse(&body.token).or(Err(link_invalid()))?;
    state.services.mailed_links.verify_email(&token, origin.0).await?;
    Ok(Json(Message { message: "E-mail address verified" }))
}
