use std::{
    fmt,
    future::{Ready, ready},
};

use actix_web::{FromRequest, HttpRequest, dev::Payload, web::Data};
use serde::{Deserialize, de::DeserializeOwned};
use tenantry_kernel::{Cursor, Page, PageLimit, PageRequest};
use utoipa::IntoParams;

use super::ListEnvelope;
use crate::{
    fields::{Pairs, parse_pairs, parse_query},
    problem::Problem,
    state::HttpState,
};

/// Which part of a list is wanted: a page by its number, or what follows a cursor, but not both.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PagingParams {
    /// The number of the page, from 1 (the default).
    #[param(minimum = 1)]
    page: Option<u64>,
    /// How many items a page has at most; 50 by default.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u64>,
    /// The `next_cursor` of the page before, with the same sort and filter.
    cursor: Option<String>,
}

impl PagingParams {
    const NAMES: [&str; 3] = ["page", "limit", "cursor"];
}

/// No sort and no filters.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoFilter {}

/// The query of a list: its page, and everything else (sort and filters) as an `F`, which should
/// `deny_unknown_fields`.
///
/// Document it with `params(PagingParams, F)`, and answer with [`ListQuery::envelope`].
pub struct ListQuery<F> {
    /// Sort and filters.
    pub filter: F,
    /// The page.
    pub page: PageRequest,
    /// What a cursor is bound to.
    list: String,
    state: Data<HttpState>,
}

impl<F> ListQuery<F> {
    /// The answer: `page` as views.
    pub fn envelope<T, V>(&self, page: Page<T>, view: impl FnMut(T) -> V) -> ListEnvelope<V> {
        let data: Vec<V> = page.items.into_iter().map(view).collect();
        ListEnvelope {
            count: data.len(),
            data,
            total: page.total,
            page: match self.page {
                PageRequest::Number { page, .. } => Some(page),
                PageRequest::After { .. } => None,
            },
            limit: self.page.limit().get(),
            next_cursor: page.next.map(|cursor| self.state.cursors.seal(&cursor, &self.list)),
        }
    }
}

impl<F> ListQuery<F> {
    /// The page of a list that is short enough to be read whole. `cursor_of` names the place after an item; a place whose
    /// item is gone is the beginning.
    pub fn cut<T>(&self, items: Vec<T>, cursor_of: impl Fn(&T) -> Cursor) -> Page<T> {
        let total = u64::try_from(items.len()).unwrap_or(u64::MAX);
        let (skipped, total) = match &self.page {
            PageRequest::Number { page, limit } => {
                (page.saturating_sub(1).saturating_mul(u64::from(limit.get())), Some(total))
            }
            PageRequest::After { cursor, .. } => {
                let last = items.iter().position(|item| cursor_of(item) == *cursor);
                (last.map_or(0, |place| u64::try_from(place).unwrap_or(u64::MAX).saturating_add(1)), None)
            }
        };
        let rest = items.into_iter().skip(usize::try_from(skipped).unwrap_or(usize::MAX)).collect();
        Page::from_probe(rest, self.page.limit(), total, cursor_of)
    }
}

impl<F: fmt::Debug> fmt::Debug for ListQuery<F> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { filter, page, list, state: _ } = self;
        formatter.debug_struct("ListQuery").field("filter", filter).field("page", page).field("list", list).finish()
    }
}

impl<F: DeserializeOwned> FromRequest for ListQuery<F> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(read(request))
    }
}

fn read<F: DeserializeOwned>(request: &HttpRequest) -> Result<ListQuery<F>, Problem> {
    let state = HttpState::of(request)?;
    let (paging, filter) = split(parse_pairs(request.query_string()));
    let paging: PagingParams = parse_query(&encode(&paging))?;
    let list = format!("{}?{}", request.path(), encode(&filter));
    let page = page_request(paging, |text| state.cursors.open(text, &list))?;
    let filter = parse_query(&encode(&filter))?;
    Ok(ListQuery { filter, page, list, state })
}

/// Takes apart what says which page, and sort and filters; the latter by name, so that their order makes no difference
/// to a cursor.
fn split(pairs: Pairs) -> (Pairs, Pairs) {
    let (paging, mut filter): (Pairs, Pairs) =
        pairs.into_iter().partition(|(name, _)| PagingParams::NAMES.contains(&name.as_str()));
    filter.sort_by(|(one, _), (other, _)| one.cmp(other));
    (paging, filter)
}

fn encode(pairs: &Pairs) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

fn page_request(
    paging: PagingParams,
    open: impl FnOnce(&str) -> Result<Cursor, Problem>,
) -> Result<PageRequest, Problem> {
    let limit = match paging.limit {
        None => PageLimit::default(),
        Some(limit) => PageLimit::new(limit)
            .ok_or_else(|| Problem::validation("limit", format_args!("must be between 1 and {}", PageLimit::MAX)))?,
    };
    match (paging.page, paging.cursor) {
        (Some(_), Some(_)) => Err(Problem::validation("cursor", "must not be given together with page")),
        (Some(0), None) => Err(Problem::validation("page", "must be 1 or more")),
        (page, None) => Ok(PageRequest::Number { page: page.unwrap_or(1), limit }),
        (None, Some(cursor)) => Ok(PageRequest::After { cursor: open(&cursor)?, limit }),
    }
}
