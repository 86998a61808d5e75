use chrono::{DateTime, Utc};
use serde::Deserialize;
use tenantry_readings::{AdvisorId, ReadingFilter};
use utoipa::IntoParams;

use super::view::ReadingView;
use crate::{
    caller::{Caller, State},
    fields::Fields,
    paging::{ListEnvelope, ListQuery, PagingParams},
    problem::Problem,
};

/// Which readings.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListReadings {
    /// Of the advisor with this id.
    #[param(max_length = 50)]
    advisor: Option<String>,
    /// `pending`, `streaming`, `completed`, `failed` or `cancelled`.
    status: Option<String>,
    /// Asked at this time or later.
    from: Option<DateTime<Utc>>,
    /// Asked before this time.
    to: Option<DateTime<Utc>>,
}

impl ListReadings {
    fn parse(&self) -> Result<ReadingFilter, Problem> {
        let mut fields = Fields::new();
        let advisor = fields.optional("advisor", self.advisor.as_deref(), AdvisorId::parse);
        let status = fields.optional("status", self.status.as_deref(), str::parse);
        let (advisor, status) = fields.finish((advisor, status))?;
        Ok(ReadingFilter { advisor, status, from: self.from, to: self.to })
    }
}

/// List one's own readings, the newest first.
#[utoipa::path(get, path = "/readings", tag = "readings", params(PagingParams, ListReadings),
    security(("bearer" = []), ("api_key" = ["readings:read"])),
    responses((status = 200, description = "A page of readings.", body = ListEnvelope<ReadingView>)))]
pub(crate) async fn handler(
    caller: Caller,
    state: State,
    query: ListQuery<ListReadings>,
) -> Result<ListEnvelope<ReadingView>, Problem> {
    let page = state.services.readings.list(&caller.context, &query.filter.parse()?, &query.page).await?;
    Ok(query.envelope(page, ReadingView::from))
}
