use actix_web::web::Json;
use serde::{Deserialize, Serialize};
use tenantry_application::Invitee;
use tenantry_identity::{FullName, Password, Username};
use tenantry_tenancy::OwnMembership;
use utoipa::ToSchema;

use super::open;
use crate::{
    auth::SignedInView,
    caller::{Origin, State, VoluntaryCaller},
    fields::{Fields, OptionalJsonBody, PathId},
    organizations::OrganizationSummary,
    problem::{ErrorCode, Problem},
};

/// The account of whoever has none yet; nothing for somebody who is signed in.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AcceptInvitation {
    /// 8 to 256 characters that are not easy to guess.
    #[schema(format = Password, min_length = 8, max_length = 256)]
    password: Option<String>,
    /// 3 to 100 of letters, digits, `.`, `_`, `-`; made from the e-mail address where absent.
    #[schema(min_length = 3, max_length = 100)]
    username: Option<String>,
    #[schema(max_length = 255)]
    full_name: Option<String>,
}

impl AcceptInvitation {
    /// The first member that is there.
    fn first_member(&self) -> Option<&'static str> {
        let members = [("password", &self.password), ("username", &self.username), ("full_name", &self.full_name)];
        members.into_iter().find_map(|(name, value)| value.is_some().then_some(name))
    }

    fn parse(&self) -> Result<Invitee, Problem> {
        let mut fields = Fields::new();
        let password = match &self.password {
            Some(password) => fields.parse("password", password, Password::parse),
            None => fields.refuse("password", "is required"),
        };
        let username = fields.optional("username", self.username.as_deref(), Username::parse);
        let full_name = fields.optional("full_name", self.full_name.as_deref(), FullName::parse);
        let (password, username, full_name) = fields.finish((password, username, full_name))?;
        Ok(Invitee { username, full_name, password })
    }
}

/// A new membership of somebody who was signed in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JoinedView {
    organization: OrganizationSummary,
    /// OWNER, ADMIN, MEMBER or GUEST.
    role: &'static str,
}

impl From<OwnMembership> for JoinedView {
    fn from(own: OwnMembership) -> Self {
        Self { organization: OrganizationSummary::from(&own.organization), role: own.membership.role.as_str() }
    }
}

/// What accepting an invitation leads to.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum AcceptedView {
    Joined(JoinedView),
    SignedIn(Box<SignedInView>),
}

/// Accept an invitation: signed in with the account of its address, or, where that has none, with a new account, which is
/// signed in by that. The address counts as verified then.
#[utoipa::path(post, path = "/invitations/{token}/accept", tag = "organizations", security((), ("bearer" = [])),
    request_body = Option<AcceptInvitation>,
    params(("token" = String, Path, description = "What the mailed link holds after `#token=`")),
    responses((status = 200, description = "The membership, or the new account, signed in.", body = AcceptedView)))]
pub(crate) async fn handler(
    VoluntaryCaller(caller): VoluntaryCaller,
    state: State,
    origin: Origin,
    PathId(token): PathId<String>,
    OptionalJsonBody(body): OptionalJsonBody<AcceptInvitation>,
) -> Result<Json<AcceptedView>, Problem> {
    let body = body.unwrap_or_default();
    let acceptance = &state.services.acceptance;
    match (caller, body.first_member()) {
        (Some(_), Some(member)) => Err(Problem::validation(member, "is for a new account only")),
        (Some(caller), None) => {
            let own = acceptance.accept(&open(&state, &token).await?, caller.actor()).await?;
            Ok(Json(AcceptedView::Joined(own.into())))
        }
        (None, Some(_)) => {
            let (open, invitee) = (open(&state, &token).await?, body.parse()?);
            let login = acceptance.accept_as_newcomer(&open, invitee, origin.0).await?;
            Ok(Json(AcceptedView::SignedIn(Box::new(login.into()))))
        }
        (None, None) => Err(Problem::new(ErrorCode::Unauthenticated)),
    }
}
