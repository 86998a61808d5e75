use actix_web::HttpResponse;
use serde::{Deserialize, Serialize};
use tenantry_application::{NewcomerOrganization, SignedUp, TokenPair};
use tenantry_tenancy::OrganizationName;
use utoipa::ToSchema;

use super::{account::AccountFields, view::Tokens};
use crate::{
    caller::{Origin, State},
    fields::{Fields, JsonBody},
    organizations::OrganizationSummary,
    problem::Problem,
    users::UserView,
};

/// A new account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Signup {
    #[schema(format = Email, max_length = 254)]
    email: String,
    /// 3 to 100 of letters, digits, `.`, `_`, `-`; made from the e-mail address where absent.
    #[schema(min_length = 3, max_length = 100)]
    username: Option<String>,
    /// 8 to 256 characters that are not easy to guess.
    #[schema(format = Password, min_length = 8, max_length = 256)]
    password: String,
    /// Also taken as `name`.
    #[serde(alias = "name")]
    #[schema(max_length = 255)]
    full_name: Option<String>,
    /// The company to found; without it, a personal organization is made.
    #[schema(max_length = 255)]
    company_name: Option<String>,
}

/// A new account, signed in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SignedUpView {
    user: UserView,
    organization: OrganizationSummary,
    #[serde(flatten)]
    tokens: Tokens,
    message: &'static str,
}

impl SignedUpView {
    fn new(signed_up: SignedUp, tokens: TokenPair) -> Self {
        Self {
            organization: OrganizationSummary::from(&signed_up.own.organization),
            user: UserView::of_member(signed_up.user, &signed_up.own),
            tokens: tokens.into(),
            message: "User created successfully",
        }
    }
}

/// Sign up: make an account and its first organization, and sign in.
#[utoipa::path(post, path = "/auth/signup", tag = "auth", security(()), request_body = Signup,
    responses((status = 201, description = "The account, signed in.", body = SignedUpView)))]
pub(crate) async fn handler(
    state: State,
    origin: Origin,
    JsonBody(body): JsonBody<Signup>,
) -> Result<HttpResponse, Problem> {
    let account = AccountFields {
        email: &body.email,
        username: body.username.as_deref(),
        password: &body.password,
        full_name: body.full_name.as_deref(),
    };
    let (account, company) = account.parse(Fields::new(), |fields| {
        fields.optional("company_name", body.company_name.as_deref(), OrganizationName::parse)
    })?;
    let organization = company.map_or(NewcomerOrganization::Personal, NewcomerOrganization::Company);
    let (signed_up, tokens) = state.services.sign_up.sign_up_and_in(account, organization, origin.0).await?;
    Ok(HttpResponse::Created().json(SignedUpView::new(signed_up, tokens)))
}
