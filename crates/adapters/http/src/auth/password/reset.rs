use actix_web::web::Json;
use serde::Deserialize;
use tenantry_identity::{LinkToken, Password};
use utoipa::ToSchema;

use crate::{
    auth::view::Message,
    caller::{Origin, State},
    fields::{Fields, JsonBody},
    problem::{Problem, link_invalid},
};

/// A new password, and what proves that it may be set.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResetPassword {
    /// What the mailed link holds after `#token=`.
    token: String,
    /// 8 to 256 characters that are not easy to guess.
    #[schema(format = Password, min_length = 8, max_length = 256)]
    password: String,
}

/// Choose a new password by a mailed link.
///
/// The link is good once. All sessions of the account end, its address counts as verified, and an account that wrong
/// passwords had locked is open again. A second factor stays as it is. A password that is too weak leaves the link good.
#[utoipa::path(post, path = "/auth/password/reset", tag = "auth", security(()), request_body = ResetPassword,
    responses((status = 200, description = "The password is changed.", body = Message)))]
pub(crate) async fn handler(
    state: State,
    origin: Origin,
    JsonBody(body): JsonBody<ResetPassword>,
) -> Result<Json<Message>, Problem> {
    let mut fields = Fields::new();
    let password = fields.parse("password", &body.password, Password::parse);
    let password = fields.finish(password)?;
    let token = LinkToken::parse(&body.token).or(Err(link_invalid()))?;
    state.services.mailed_links.reset_password(&token, &password, origin.0).await?;
    Ok(Json(Message { message: "Password changed: sign in with the new one" }))
}
