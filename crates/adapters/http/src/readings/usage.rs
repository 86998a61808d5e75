use actix_web::web::Json;
use chrono::{Datelike as _, NaiveDate};
use serde::{Deserialize, Serialize};
use tenantry_readings::{ModelName, NanoUsd, ProviderName, UsageItem, UsageReport, UsageScope};
use utoipa::{IntoParams, ToSchema};

use crate::{
    caller::{Caller, State},
    fields::{Fields, QueryOf},
    problem::Problem,
};

/// The most days that are told of at once.
const MOST_DAYS: i64 = 366;

/// Whose usage, and of which days.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct UsageQuery {
    /// `mine` (the default) or `organization` (everyone's, for ADMIN and OWNER).
    scope: Option<String>,
    /// The first day, in UTC; the first of the month of `to` by default.
    #[param(value_type = Option<String>, format = Date)]
    from: Option<String>,
    /// The last day, in UTC; today by default. At most 366 days in all.
    #[param(value_type = Option<String>, format = Date)]
    to: Option<String>,
}

impl UsageQuery {
    fn parse(&self, today: NaiveDate) -> Result<(UsageScope, NaiveDate, NaiveDate), Problem> {
        let mut fields = Fields::new();
        let scope = fields.optional("scope", self.scope.as_deref(), parse_scope);
        let from = fields.optional("from", self.from.as_deref(), parse_day);
        let to = fields.optional("to", self.to.as_deref(), parse_day);
        let (scope, from, to) = fields.finish((scope, from, to))?;
        let to = to.unwrap_or(today);
        let from = from.or_else(|| to.with_day(1)).unwrap_or(to);
        match (to - from).num_days() {
            0..MOST_DAYS => Ok((scope.unwrap_or_default(), from, to)),
            ..0 => Err(Problem::validation("from", "must not be after to")),
            _ => Err(Problem::validation("from", format_args!("must be less than {MOST_DAYS} days before to"))),
        }
    }
}

fn parse_scope(raw: &str) -> Result<UsageScope, &'static str> {
    match raw {
        "mine" => Ok(UsageScope::Mine),
        "organization" => Ok(UsageScope::Organization),
        _ => Err("must be mine or organization"),
    }
}

fn parse_day(raw: &str) -> Result<NaiveDate, &'static str> {
    let is_written_so = raw.len() == 10 && raw.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    let day = NaiveDate::parse_from_str(raw, "%Y-%m-%d").ok().filter(|_| is_written_so);
    day.ok_or("must be a day, as 2026-01-31")
}

/// What readings cost, and how much is left. Amounts are in US dollars.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReadingUsage)]
pub(crate) struct UsageView {
    from: NaiveDate,
    to: NaiveDate,
    /// What may be spent this month, by the organization or by the member, whoever's usage it is; null: no limit.
    #[schema(required)]
    budget_usd: Option<String>,
    /// What was spent this month.
    spent_usd: String,
    /// What may still be needed for readings under way.
    reserved_usd: String,
    /// What is left this month; null: no limit.
    #[schema(required)]
    remaining_usd: Option<String>,
    /// Days with readings, by day, advisor and model.
    items: Vec<UsageItemView>,
}

/// What was spent on a day with one advisor and model.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReadingUsageItem)]
pub(crate) struct UsageItemView {
    day: NaiveDate,
    /// The id of the advisor.
    advisor: String,
    /// Null for readings that nobody answered.
    #[schema(required)]
    model: Option<String>,
    #[schema(required)]
    provider: Option<String>,
    readings: u64,
    prompt_tokens: u64,
    completion_tokens: u64,
    cost: String,
}

impl From<UsageReport> for UsageView {
    fn from(report: UsageReport) -> Self {
        Self {
            from: report.from,
            to: report.to,
            budget_usd: report.budget.as_ref().map(NanoUsd::to_string),
            spent_usd: report.spent.settled.to_string(),
            reserved_usd: report.spent.reserved.to_string(),
            remaining_usd: report.remaining().as_ref().map(NanoUsd::to_string),
            items: report.items.into_iter().map(UsageItemView::from).collect(),
        }
    }
}

impl From<UsageItem> for UsageItemView {
    fn from(item: UsageItem) -> Self {
        let (model, provider) = item.route.map(|route| (route.model, route.provider)).unzip();
        Self {
            day: item.day,
            advisor: item.advisor.to_string(),
            model: model.map(ModelName::into_string),
            provider: provider.map(ProviderName::into_string),
            readings: item.readings,
            prompt_tokens: item.prompt_tokens,
            completion_tokens: item.completion_tokens,
            cost: item.cost.to_string(),
        }
    }
}

/// Read what readings cost, and what is left of the budget.
#[utoipa::path(get, path = "/readings/usage", tag = "readings", params(UsageQuery),
    security(("bearer" = []), ("api_key" = ["readings:read"])),
    responses((status = 200, description = "The usage.", body = UsageView)))]
pub(crate) async fn handler(
    caller: Caller,
    state: State,
    QueryOf(query): QueryOf<UsageQuery>,
) -> Result<Json<UsageView>, Problem> {
    let (scope, from, to) = query.parse(state.clock.now().date_naive())?;
    let report = state.services.budgets.usage(&caller.context, scope, Some(from), Some(to)).await?;
    Ok(Json(UsageView::from(report)))
}
