use actix_web::Responder;
use serde::{Deserialize, Serialize};
use tenantry_http::{
    paging::{ListEnvelope, ListQuery, PagingParams},
    problem::Problem,
};
use tenantry_kernel::{Cursor, Page, PageRequest, SortKey};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ProbeFilter {
    /// Only numbers from this one on.
    from: Option<u64>,
    sort: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct NumberView {
    number: u64,
}

/// Lists the numbers from 1 to 120.
#[utoipa::path(get, path = "/probes", tag = "service", params(PagingParams, ProbeFilter),
    responses((status = 200, body = ListEnvelope<NumberView>)))]
pub async fn handler(query: ListQuery<ProbeFilter>) -> Result<impl Responder, Problem> {
    if let Some(sort) = &query.filter.sort
        && sort != "number"
    {
        return Err(Problem::validation("sort", "must be number"));
    }
    let numbers = query.filter.from.unwrap_or(1)..=120;
    Ok(query.envelope(page_of(numbers, &query.page), |number| NumberView { number }))
}

fn page_of(numbers: impl Iterator<Item = u64> + Clone, request: &PageRequest) -> Page<u64> {
    let (skip, after, total) = match request {
        PageRequest::Number { page, limit } => {
            let skip = (page - 1).saturating_mul(u64::from(limit.get()));
            (usize::try_from(skip).unwrap_or(usize::MAX), 0, Some(numbers.clone().count().try_into().unwrap_or(0)))
        }
        PageRequest::After { cursor, .. } => (0, u64::try_from(cursor.id.as_u128()).unwrap(), None),
    };
    let limit = request.limit();
    let items = numbers.filter(|number| *number > after).skip(skip).take(usize::from(limit.get()) + 1).collect();
    Page::from_probe(items, limit, total, |number| Cursor {
        key: SortKey::Null,
        id: Uuid::from_u128(u128::from(*number)),
    })
}
