use actix_web::HttpResponse;
use serde::Deserialize;
use tenantry_application::NewUser;
use tenantry_identity::{Email, FullName, Password, Username};
use tenantry_kernel::UserId;
use tenantry_tenancy::Role;
use utoipa::ToSchema;
use uuid::Uuid;

use super::UserView;
use crate::{
    caller::{Caller, State},
    fields::Fields,
    idempotency::{Creation, Creator},
    operations::API_PREFIX,
    problem::Problem,
};

/// A new user of the organization.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateUser {
    #[schema(max_length = 254)]
    email: String,
    /// The sign-in name; made from the e-mail address where absent.
    #[schema(min_length = 3, max_length = 100)]
    username: Option<String>,
    #[schema(max_length = 255)]
    full_name: Option<String>,
    /// Where absent, a mail lets the user choose one.
    #[schema(min_length = 8, max_length = 256, format = Password)]
    password: Option<String>,
    /// OWNER, ADMIN, MEMBER or GUEST.
    role: String,
}

impl CreateUser {
    fn parse(self) -> Result<NewUser, Problem> {
        let mut fields = Fields::new();
        let email = fields.parse("email", &self.email, Email::parse);
        let username = fields.optional("username", self.username.as_deref(), Username::parse);
        let full_name = fields.optional("full_name", self.full_name.as_deref(), FullName::parse);
        let password = fields.optional("password", self.password.as_deref(), Password::parse);
        let role = fields.parse("role", &self.role, str::parse::<Role>);
        let (email, username, full_name, password, role) =
            fields.finish((email, username, full_name, password, role))?;
        Ok(NewUser { email, username, full_name, password, role })
    }
}

/// Make an account for a new user of the organization. Whoever has an account already is invited instead.
#[utoipa::path(post, path = "/users", tag = "users",
    security(("bearer" = []), ("api_key" = ["users:write"])), request_body = CreateUser,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes sending the request again safe")),
    responses((status = 201, description = "The user.", body = UserView)))]
pub(crate) async fn handler(
    caller: Caller,
    state: State,
    creation: Creation<CreateUser>,
) -> Result<HttpResponse, Problem> {
    let create = async |body: CreateUser, reserved: Option<Uuid>| {
        let reserved = reserved.map(UserId::from_uuid);
        let member = state.services.hiring.hire(&caller.context, body.parse()?, reserved).await?;
        let location = format!("{API_PREFIX}/users/{}", member.user.id);
        Ok(UserView::created(member, location))
    };
    creation.once(&state, &Creator::within(&caller), create).await
}
