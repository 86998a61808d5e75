use serde::Deserialize;
use tenantry_tenancy::{MemberFilter, Role};
use utoipa::IntoParams;

use super::UserView;
use crate::{
    caller::{Caller, State},
    fields::{Fields, search_words},
    paging::{ListEnvelope, ListQuery, PagingParams},
    problem::Problem,
};

/// Which users.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListUsers {
    /// Their role: OWNER, ADMIN, MEMBER or GUEST.
    role: Option<String>,
    /// Whether they may act in the organization at present.
    is_active: Option<bool>,
    /// Words that all occur in name, e-mail address or username.
    #[param(max_length = 200)]
    q: Option<String>,
}

impl ListUsers {
    fn parse(&self) -> Result<MemberFilter, Problem> {
        let mut fields = Fields::new();
        let role = fields.optional("role", self.role.as_deref(), str::parse::<Role>);
        let words = fields.optional("q", self.q.as_deref(), search_words);
        let (role, words) = fields.finish((role, words))?;
        Ok(MemberFilter { role, is_active: self.is_active, words: words.unwrap_or_default() })
    }
}

/// List the users of the organization, those who joined last first.
#[utoipa::path(get, path = "/users", tag = "users",
    security(("bearer" = []), ("api_key" = ["users:read"])), params(PagingParams, ListUsers),
    responses((status = 200, description = "A page of users.", body = ListEnvelope<UserView>)))]
pub(crate) async fn handler(
    caller: Caller,
    state: State,
    query: ListQuery<ListUsers>,
) -> Result<ListEnvelope<UserView>, Problem> {
    let filter = query.filter.parse()?;
    let page = state.services.members.list(&caller.context, &filter, &query.page).await?;
    Ok(query.envelope(page, UserView::from))
}
