use serde::Deserialize;
use tenantry_identity::{FullName, Password, PasswordAttempt, PasswordChange, ProfileChange, Username};
use utoipa::ToSchema;

use super::UserView;
use crate::{
    caller::{AnyCaller, State},
    etag::{IfMatch, Tagged},
    fields::{Fields, JsonBody, Patch},
    problem::Problem,
};

/// A change of one's own account; what is absent stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangeMe {
    /// The name; null removes it.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 255)]
    full_name: Patch<String>,
    /// The sign-in name.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 3, max_length = 100)]
    username: Patch<String>,
    /// A new password, which ends all other sessions.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 8, max_length = 256, format = Password)]
    password: Patch<String>,
    /// The password so far; needed for a new one.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Password)]
    current_password: Patch<String>,
}

impl ChangeMe {
    fn parse(self) -> Result<ProfileChange, Problem> {
        let mut fields = Fields::new();
        let full_name = fields.patch("full_name", &self.full_name, FullName::parse);
        let username = fields.change("username", &self.username, Username::parse);
        let new = fields.change("password", &self.password, Password::parse);
        let current = match (&self.password, self.current_password) {
            (Patch::Set(_), Patch::Keep | Patch::Clear) => fields.refuse("current_password", "is required"),
            (Patch::Keep, Patch::Set(_)) => fields.refuse("current_password", "is for a new password only"),
            (_, current) => fields.check("current_password", Ok::<_, Problem>(current.value().cloned())),
        };
        let (full_name, username, new, current) = fields.finish((full_name, username, new, current))?;
        let password =
            new.zip(current).map(|(new, current)| PasswordChange { current: PasswordAttempt::new(current), new });
        Ok(ProfileChange { full_name: full_name.into_change(), username, password })
    }
}

/// Change one's own account. The only operation, besides signing out, that a one-time password allows.
#[utoipa::path(method(patch, put), path = "/users/me", tag = "users", request_body = ChangeMe,
    security(("bearer" = [])),
    params(("If-Match" = Option<String>, Header, description = "Only change this version")),
    responses((status = 200, description = "The account after the change.", body = UserView)))]
pub(crate) async fn handler(
    AnyCaller(caller): AnyCaller,
    state: State,
    if_match: IfMatch,
    JsonBody(body): JsonBody<ChangeMe>,
) -> Result<Tagged<UserView>, Problem> {
    let user = state.services.accounts.change_own(&caller.principal, body.parse()?, &if_match.0).await?;
    Ok(UserView::own(user, &caller.context))
}
