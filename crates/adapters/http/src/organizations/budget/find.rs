use super::view::BudgetView;
use crate::{
    caller::{Insider, State},
    etag::Tagged,
    problem::Problem,
};

/// Read what an organization may spend on readings.
#[utoipa::path(get, path = "/organizations/{id}/budget", tag = "organizations",
    security(("bearer" = []), ("api_key" = ["organizations:read"])),
    params(("id" = Uuid, Path, description = "The organization")),
    responses((status = 200, description = "The budget; what the platform allows, until the organization limits itself.",
        body = BudgetView)))]
pub(crate) async fn handler(Insider(caller): Insider, state: State) -> Result<Tagged<BudgetView>, Problem> {
    let budget = state.services.budgets.find(&caller.context).await?;
    Ok(Tagged::ok(budget.revision, BudgetView::from(budget)))
}
