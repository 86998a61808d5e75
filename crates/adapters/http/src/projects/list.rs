use serde::Deserialize;
use tenantry_tenancy::ProjectFilter;
use utoipa::IntoParams;

use super::view::ProjectView;
use crate::{
    caller::{Caller, State},
    fields::{Fields, search_words},
    paging::{ListEnvelope, ListQuery, PagingParams},
    problem::Problem,
};

/// Which projects.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListProjects {
    /// Whether work on them goes on.
    is_active: Option<bool>,
    /// Words that all occur in name or description.
    #[param(max_length = 200)]
    q: Option<String>,
}

impl ListProjects {
    fn parse(&self) -> Result<ProjectFilter, Problem> {
        let mut fields = Fields::new();
        let words = fields.optional("q", self.q.as_deref(), search_words);
        let words = fields.finish(words)?;
        Ok(ProjectFilter { is_active: self.is_active, words: words.unwrap_or_default() })
    }
}

/// List projects, the newest first.
#[utoipa::path(get, path = "/projects", tag = "projects", params(PagingParams, ListProjects),
    security(("bearer" = []), ("api_key" = ["projects:read"])),
    responses((status = 200, description = "A page of projects.", body = ListEnvelope<ProjectView>)))]
pub(crate) async fn handler(
    caller: Caller,
    state: State,
    query: ListQuery<ListProjects>,
) -> Result<ListEnvelope<ProjectView>, Problem> {
    let filter = query.filter.parse()?;
    let page = state.services.projects.list(&caller.context, &filter, &query.page).await?;
    Ok(query.envelope(page, ProjectView::from))
}
