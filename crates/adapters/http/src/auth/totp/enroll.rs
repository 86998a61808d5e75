use actix_web::web::Json;
use serde::Serialize;
use tenantry_identity::TotpSetup;
use utoipa::ToSchema;

use crate::{
    caller::{SignedIn, State},
    problem::Problem,
};

/// What an authenticator app has to be told. It is not to be had again.
#[derive(Serialize, ToSchema)]
pub(crate) struct TotpSetupView {
    /// The secret, in base32, to type.
    secret: String,
    /// The same for programs.
    otpauth_url: String,
    /// The same to be scanned: an SVG image.
    qr_svg: String,
}

impl From<TotpSetup> for TotpSetupView {
    fn from(setup: TotpSetup) -> Self {
        Self { secret: setup.secret, otpauth_url: setup.otpauth_url, qr_svg: setup.qr_svg }
    }
}

/// Make a secret for an authenticator app, in place of one that was not confirmed.
///
/// Signing in asks for codes once the app is confirmed. 409 `CONFLICT` when one is.
#[utoipa::path(post, path = "/auth/totp/enroll", tag = "auth",
    security(("bearer" = [])),
    responses((status = 200, description = "What the app has to be told.", body = TotpSetupView)))]
pub(crate) async fn handler(caller: SignedIn, state: State) -> Result<Json<TotpSetupView>, Problem> {
    let setup = state.services.second_factors.enroll(&caller.actor()).await?;
    Ok(Json(setup.into()))
}
