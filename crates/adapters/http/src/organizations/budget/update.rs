use serde::Deserialize;
use tenantry_readings::{BudgetChange, NanoUsd};
use utoipa::ToSchema;

use super::view::BudgetView;
use crate::{
    caller::{Insider, State},
    etag::{IfMatch, Tagged},
    fields::{Fields, JsonBody, Patch},
    problem::Problem,
};

/// A change of a budget, in US dollars as decimal strings; what is absent stays as it is, null removes a limit.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "the names of the API say what they count")]
pub(crate) struct UpdateBudget {
    /// By the organization within a calendar month, in UTC.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "100")]
    monthly_usd: Patch<String>,
    /// By the organization within a day, in UTC.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "12.5")]
    daily_usd: Patch<String>,
    /// By each of its members within a calendar month.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    per_user_monthly_usd: Patch<String>,
    /// By each of its members within a day.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    per_user_daily_usd: Patch<String>,
}

impl UpdateBudget {
    fn parse(&self) -> Result<BudgetChange, Problem> {
        let mut fields = Fields::new();
        let mut limit = |name: &str, raw: &Patch<String>| fields.patch(name, raw, str::parse::<NanoUsd>);
        let monthly = limit("monthly_usd", &self.monthly_usd);
        let daily = limit("daily_usd", &self.daily_usd);
        let per_user_monthly = limit("per_user_monthly_usd", &self.per_user_monthly_usd);
        let per_user_daily = limit("per_user_daily_usd", &self.per_user_daily_usd);
        let (monthly, daily, per_user_monthly, per_user_daily) =
            fields.finish((monthly, daily, per_user_monthly, per_user_daily))?;
        Ok(BudgetChange {
            monthly: monthly.into_change(),
            daily: daily.into_change(),
            per_user_monthly: per_user_monthly.into_change(),
            per_user_daily: per_user_daily.into_change(),
        })
    }
}

/// Limit what an organization may spend on readings, at most to what the platform allows.
#[utoipa::path(put, path = "/organizations/{id}/budget", tag = "organizations", request_body = UpdateBudget,
    security(("bearer" = []), ("api_key" = ["organizations:write"])),
    params(("id" = Uuid, Path, description = "The organization"),
        ("If-Match" = Option<String>, Header, description = "Only change this version")),
    responses((status = 200, description = "The budget after the change.", body = BudgetView)))]
pub(crate) async fn handler(
    Insider(caller): Insider,
    state: State,
    if_match: IfMatch,
    JsonBody(body): JsonBody<UpdateBudget>,
) -> Result<Tagged<BudgetView>, Problem> {
    let budget = state.services.budgets.update(&caller.context, body.parse()?, &if_match.0).await?;
    Ok(Tagged::ok(budget.revision, BudgetView::from(budget)))
}
