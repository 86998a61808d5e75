use actix_web::web::Json;
use serde::{Deserialize, Serialize};
use tenantry_identity::{RecoveryCode, TotpCode};
use utoipa::ToSchema;

use crate::{
    caller::{SignedIn, State},
    fields::{Fields, JsonBody},
    problem::Problem,
};

/// What shows that the app has the secret.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConfirmTotp {
    /// The six digits that the app shows.
    code: String,
}

/// Codes to keep on paper.
#[derive(Serialize, ToSchema)]
pub(crate) struct RecoveryCodesView {
    /// Each stands in for the app once. They are not to be had again.
    recovery_codes: Vec<String>,
}

/// Confirm an authenticator app: from now on, signing in asks for its codes.
#[utoipa::path(post, path = "/auth/totp/confirm", tag = "auth", request_body = ConfirmTotp,
    security(("bearer" = [])),
    responses((status = 200, description = "Codes for when the app is lost.", body = RecoveryCodesView)))]
pub(crate) async fn handler(
    caller: SignedIn,
    state: State,
    JsonBody(body): JsonBody<ConfirmTotp>,
) -> Result<Json<RecoveryCodesView>, Problem> {
    let mut fields = Fields::new();
    let code = fields.parse("code", &body.code, TotpCode::parse);
    let codes = state.services.second_factors.confirm(&caller.actor(), &fields.finish(code)?).await?;
    Ok(Json(RecoveryCodesView { recovery_codes: codes.iter().map(RecoveryCode::grouped).collect() }))
}
