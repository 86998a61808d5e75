use actix_web::{FromRequest, HttpRequest, dev::Payload, http::header::HeaderName, web::Json};
use serde::Deserialize;
use tenantry_identity::{LoginAttempt, LoginIdentifier, PasswordAttempt};
use utoipa::ToSchema;

use super::view::SignInView;
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

/// Proves that the client has signed in before. One that is malformed counts as none.
static X_DEVICE_TOKEN: HeaderName = HeaderName::from_static("x-device-token");

/// What the client got when somebody last signed in there.
pub(crate) struct DeviceToken(pub(in crate::auth) Option<String>);

impl FromRequest for DeviceToken {
    type Error = Problem;
    type Future = std::future::Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let token = request.headers().get(&X_DEVICE_TOKEN).and_then(|value| value.to_str().ok());
        std::future::ready(Ok(Self(token.map(str::to_owned))))
    }
}

/// Sign in with a password.
///
/// Wrong passwords are counted, and too many lock an account for some time: then even the right one is refused, with the
/// same answer. A client that sends the `device_token` of its latest sign-in is counted apart from strangers.
///
/// The account of somebody with an authenticator app is not signed in yet: its code goes to `/auth/totp/challenge`,
/// together with the token that is the answer here.
#[utoipa::path(post, path = "/auth/login", tag = "auth", security(()), request_body = Login,
    params(("X-Device-Token" = Option<String>, Header, description = "The `device_token` of an earlier sign-in")),
    responses((status = 200, description = "The account, signed in, or the question for its second factor.",
        body = SignInView)))]
pub(crate) async fn handler(
    state: State,
    origin: Origin,
    device: DeviceToken,
    JsonBody(body): JsonBody<Login>,
) -> Result<Json<SignInView>, Problem> {
    let attempt = LoginAttempt {
        identifier: &identifier(body.email, body.username)?,
        password: &PasswordAttempt::new(body.password),
        client: &origin.0,
        device_token: device.0.as_deref(),
    };
    Ok(Json(state.services.sign_in.by_password(attempt).await?.into()))
}

/// The one name that was given.
fn identifier(email: Option<String>, username: Option<String>) -> Result<LoginIdentifier, Problem> {
    match (email, username) {
        (Some(name), None) | (None, Some(name)) => Ok(LoginIdentifier::new(&name)),
        (None, None) => Err(Problem::validation("email", "or username is required")),
        (Some(_), Some(_)) => Err(Problem::validation("username", "must not be given together with email")),
    }
}
