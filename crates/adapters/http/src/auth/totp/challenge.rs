use actix_web::web::Json;
use serde::Deserialize;
use tenantry_identity::{RecoveryCode, SecondFactorAnswer, TotpCode};
use utoipa::ToSchema;

use crate::{
    auth::{login::DeviceToken, view::SignedInView},
    caller::{Origin, State},
    fields::JsonBody,
    problem::{ErrorCode, Problem},
};

/// The second factor: a code of the app or a recovery code.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Challenge {
    /// The token that was answered to the password.
    mfa_token: String,
    /// The six digits that the app shows.
    code: Option<String>,
    /// A recovery code, which is good once.
    recovery_code: Option<String>,
}

/// Sign in with the second factor, after the password.
#[utoipa::path(post, path = "/auth/totp/challenge", tag = "auth", security(()), request_body = Challenge,
    params(("X-Device-Token" = Option<String>, Header, description = "The `device_token` of an earlier sign-in")),
    responses((status = 200, description = "The account, signed in.", body = SignedInView)))]
pub(crate) async fn handler(
    state: State,
    origin: Origin,
    device: DeviceToken,
    JsonBody(body): JsonBody<Challenge>,
) -> Result<Json<SignedInView>, Problem> {
    let answer = answer(body.code.as_deref(), body.recovery_code.as_deref())?;
    let signed_in =
        state.services.sign_in.by_second_factor(&body.mfa_token, &answer, origin.0, device.0.as_deref()).await?;
    Ok(Json(signed_in.into()))
}

/// The one answer that was given. What can't be a code is wrong like any other.
fn answer(code: Option<&str>, recovery_code: Option<&str>) -> Result<SecondFactorAnswer, Problem> {
    let answer = match (code, recovery_code) {
        (Some(code), None) => TotpCode::parse(code).ok().map(SecondFactorAnswer::Code),
        (None, Some(code)) => RecoveryCode::parse(code).ok().map(SecondFactorAnswer::Recovery),
        (None, None) => return Err(Problem::validation("code", "or recovery_code is required")),
        (Some(_), Some(_)) => {
            return Err(Problem::validation("recovery_code", "must not be given together with code"));
        }
    };
    answer.ok_or_else(|| Problem::new(ErrorCode::InvalidCredentials))
}
