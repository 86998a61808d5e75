use serde::Serialize;
use tenantry_readings::{NanoUsd, OwnBudget};
use utoipa::ToSchema;

/// What may be spent on readings, in US dollars; null: as much as the other limits allow, and the platform.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Budget)]
#[expect(clippy::struct_field_names, reason = "the names of the API say what they count")]
pub(crate) struct BudgetView {
    /// By the organization within a calendar month, in UTC.
    #[schema(required, example = "100")]
    monthly_usd: Option<String>,
    /// By the organization within a day, in UTC.
    #[schema(required, example = "12.5")]
    daily_usd: Option<String>,
    /// By each of its members within a calendar month.
    #[schema(required)]
    per_user_monthly_usd: Option<String>,
    /// By each of its members within a day.
    #[schema(required)]
    per_user_daily_usd: Option<String>,
}

impl From<OwnBudget> for BudgetView {
    fn from(own: OwnBudget) -> Self {
        let text = |limit: Option<NanoUsd>| limit.as_ref().map(NanoUsd::to_string);
        Self {
            monthly_usd: text(own.budget.monthly),
            daily_usd: text(own.budget.daily),
            per_user_monthly_usd: text(own.budget.per_user_monthly),
            per_user_daily_usd: text(own.budget.per_user_daily),
        }
    }
}
