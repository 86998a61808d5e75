use actix_web::HttpResponse;
use serde::Deserialize;
use tenantry_application::SignInError;
use tenantry_identity::{IdentityError, PasswordAttempt};
use utoipa::ToSchema;

use crate::{
    caller::{SignedIn, State},
    etag::IfMatch,
    fields::JsonBody,
    problem::{Problem, wrong_password},
};

/// What confirms that an account is to go.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeleteMe {
    /// The account's password.
    #[schema(format = Password)]
    password: String,
}

/// Delete one's own account. It can't sign in any more; an organization of one goes with its member.
///
/// The account is erased some time later, 30 days unless the server is set otherwise; until then its e-mail address and
/// username stay taken.
#[utoipa::path(delete, path = "/users/me", tag = "users", request_body = DeleteMe,
    security(("bearer" = [])),
    params(("If-Match" = Option<String>, Header, description = "Only delete this version")),
    responses((status = 204, description = "The account is deleted.")))]
pub(crate) async fn handler(
    caller: SignedIn,
    state: State,
    if_match: IfMatch,
    JsonBody(body): JsonBody<DeleteMe>,
) -> Result<HttpResponse, Problem> {
    let attempt = PasswordAttempt::new(body.password);
    match state.services.profile.delete(&caller.principal, &attempt, &if_match.0).await {
        Ok(()) => Ok(HttpResponse::NoContent().finish()),
        Err(SignInError::Identity(IdentityError::WrongPassword)) => Err(wrong_password("password")),
        Err(error) => Err(error.into()),
    }
}
