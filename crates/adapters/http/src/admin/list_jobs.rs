use serde::Deserialize;
use tenantry_application::{JobFilter, JobState};
use tenantry_kernel::parse_text;
use utoipa::IntoParams;

use super::view::JobView;
use crate::{
    caller::{Administrator, State},
    fields::Fields,
    paging::{ListEnvelope, ListQuery, PagingParams},
    problem::Problem,
};

/// The most characters of a job's kind.
const KIND_CHARACTERS: usize = 100;

/// Which jobs.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListJobs {
    /// `pending`, `running`, `done`, `failed` or `cancelled`.
    state: Option<String>,
    /// What kind of work, such as `tenantry.purge`, `sync.run` or `mail.send`.
    #[param(max_length = 100)]
    kind: Option<String>,
}

impl ListJobs {
    fn parse(&self) -> Result<JobFilter, Problem> {
        let mut fields = Fields::new();
        let state = fields.optional("state", self.state.as_deref(), str::parse::<JobState>);
        let kind = fields.optional("kind", self.kind.as_deref(), |raw| parse_text(raw, 1, KIND_CHARACTERS));
        let (state, kind) = fields.finish((state, kind))?;
        Ok(JobFilter { state, kind })
    }
}

/// List the background jobs, the newest first, with the jobs of sync sessions and the mails that wait or could not be sent.
#[utoipa::path(get, path = "/admin/jobs", tag = "admin", params(PagingParams, ListJobs), security(("bearer" = [])),
    responses((status = 200, description = "A page of jobs.", body = ListEnvelope<JobView>)))]
pub(crate) async fn handler(
    Administrator(context): Administrator,
    state: State,
    query: ListQuery<ListJobs>,
) -> Result<ListEnvelope<JobView>, Problem> {
    let page = state.services.jobs.list(&context, &query.filter.parse()?, &query.page).await?;
    Ok(query.envelope(page, JobView::from))
}
