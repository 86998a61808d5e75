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
    let identifier = identifier(body.email, body.username)?;
    let attempt = PasswordAttempt::new(body.password);
    let signed_in = state.services.sign_in.by_password(&identifier, &attempt, origin.0).await?;
    Ok(Json(signed_in.into()))
}

/// The one name that was given.
fn identifier(email: Option<String>, username: Option<String>) -> Result<LoginIdentifier, Problem> {
    match (email, username) {
        (Some(name), None) | (None, Some(name)) => Ok(LoginIdentifier::new(&name)),
        (None, None) => Err(Problem::validation("email", "or username is required")),
        (Some(_), Some(_)) => Err(Problem::validation("username", "must not be given together with email")),
    }
}
