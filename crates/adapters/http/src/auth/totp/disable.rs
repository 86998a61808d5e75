use actix_web::web::Json;
use serde::Deserialize;
use tenantry_identity::{IdentityError, PasswordAttempt, SecondFactorAnswer};
use utoipa::ToSchema;

use crate::{
    auth::view::Message,
    caller::{SignedIn, State},
    fields::{Fields, JsonBody},
    problem::{Problem, wrong_password},
};

/// What confirms that the second factor is to go.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DisableTotp {
    /// The account's password.
    #[schema(format = Password)]
    password: String,
    /// A code of the app, or a recovery code.
    code: String,
}

/// Forget the authenticator app and the recovery codes: the password is enough again.
#[utoipa::path(post, path = "/auth/totp/disable", tag = "auth", request_body = DisableTotp,
    security(("bearer" = [])),
    responses((status = 200, description = "The second factor is off.", body = Message)))]
pub(crate) async fn handler(
    caller: SignedIn,
    state: State,
    JsonBody(body): JsonBody<DisableTotp>,
) -> Result<Json<Message>, Problem> {
    let mut fields = Fields::new();
    let code = fields.parse("code", &body.code, SecondFactorAnswer::parse);
    let (password, code) = (PasswordAttempt::new(body.password), fields.finish(code)?);
    match state.services.second_factors.disable(&caller.actor(), &password, &code).await {
        Ok(()) => Ok(Json(Message { message: "Two-factor authentication disabled" })),
        Err(IdentityError::WrongPassword) => Err(wrong_password("password")),
        Err(error) => Err(error.into()),
    }
}
