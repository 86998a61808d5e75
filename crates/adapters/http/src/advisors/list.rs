use actix_web::web::Json;
use serde::Serialize;
use utoipa::ToSchema;

use super::view::AdvisorView;
use crate::{
    caller::{Caller, State},
    problem::Problem,
};

/// Everybody whom one can ask.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AdvisorList {
    data: Vec<AdvisorView>,
    /// How many there are.
    count: usize,
}

/// List the advisors: the platform's, then the organization's own by name.
#[utoipa::path(get, path = "/advisors", tag = "advisors",
    security(("bearer" = []), ("api_key" = ["readings:read"])),
    responses((status = 200, description = "The advisors.", body = AdvisorList)))]
pub(crate) async fn handler(caller: Caller, state: State) -> Result<Json<AdvisorList>, Problem> {
    let advisors = state.services.advisors.list(&caller.context).await?;
    let data: Vec<AdvisorView> = advisors.into_iter().map(AdvisorView::from).collect();
    Ok(Json(AdvisorList { count: data.len(), data }))
}
