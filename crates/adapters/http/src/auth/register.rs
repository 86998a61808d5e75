use actix_web::web::Json;
use serde::Deserialize;
use tenantry_application::NewcomerOrganization;
use utoipa::ToSchema;

use super::account::AccountFields;
use crate::{
    caller::{Origin, State},
    fields::{Fields, JsonBody},
    problem::Problem,
    users::UserView,
};

/// A new account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Register {
    #[schema(format = Email, max_length = 254)]
    email: String,
    /// 3 to 100 of letters, digits, `.`, `_`, `-`.
    #[schema(min_length = 3, max_length = 100)]
    username: String,
    /// 8 to 256 characters that are not easy to guess.
    #[schema(format = Password, min_length = 8, max_length = 256)]
    password: String,
    #[schema(max_length = 255)]
    full_name: Option<String>,
}

/// Make an account and its personal organization, without signing in.
#[utoipa::path(post, path = "/auth/register", tag = "auth", security(()), request_body = Register,
    responses((status = 200, description = "The account.", body = UserView)))]
pub(crate) async fn handler(
    state: State,
    origin: Origin,
    JsonBody(body): JsonBody<Register>,
) -> Result<Json<UserView>, Problem> {
    let account = AccountFields {
        email: &body.email,
        username: Some(&body.username),
        password: &body.password,
        full_name: body.full_name.as_deref(),
    };
    let (account, ()) = account.parse(Fields::new(), Fields::nothing)?;
    let signed_up = state.services.sign_up.sign_up(account, NewcomerOrganization::Personal, Some(origin.0)).await?;
    Ok(Json(UserView::of_member(signed_up.user, &signed_up.own)))
}
