use actix_web::web::Json;
use serde::Deserialize;
use tenantry_identity::{LoginIdentifier, PasswordAttempt};
use utoipa::ToSchema;

use super::view::SignedInView;
use crate::{
    caller::{Origin, State},
    fields::JsonBody,
    problem::Problem,
};

/// Who signs in: either name may hold an e-mail address or a username.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Login {
    email: Option<String>,
    username: Option<String>,
    #[schema(format = Password)]
    password: String,
}

/// Sign in with a password.
#[utoipa::path(post, path = "/auth/login", tag = "auth", security(()), request_body = Login,
    responses((status = 200, description = "The account, signed in.", body = SignedInView)))]
pub(crate) async fn handler(
    state: State,
    origin: Origin,
    JsonBody(body): JsonBody<Login>,
) -> Result<Json<SignedInView>, Problem> {
    let name = body.email.or(body.username).ok_or_else(|| Problem::validation("email", "or username is required"))?;
    // PostgreSQL refuses NUL in texts, while here it only has to match nobody.
    let identifier = LoginIdentifier::new(&name.replace('\0', "\u{fffd}"));
    let attempt = PasswordAttempt::new(body.password);
    let signed_in = state.services.sign_in.by_password(&identifier, &attempt, origin.0).await?;
    Ok(Json(signed_in.into()))
}
