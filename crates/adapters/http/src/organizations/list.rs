use serde::Serialize;
use utoipa::ToSchema;

use super::view::OrganizationView;
use crate::{
    caller::{Caller, State},
    problem::Problem,
};

/// The organizations that the caller belongs to.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OrganizationList {
    data: Vec<OrganizationView>,
    count: usize,
}

/// List the organizations that the caller belongs to, the oldest membership first.
#[utoipa::path(get, path = "/organizations", tag = "organizations",
    responses((status = 200, description = "The organizations.", body = OrganizationList)))]
pub(crate) async fn handler(caller: Caller, state: State) -> Result<actix_web::web::Json<OrganizationList>, Problem> {
    let own = state.services.entrance.list_own(&caller.actor()).await?;
    let data: Vec<_> = own.iter().map(|own| OrganizationView::from(&own.organization)).collect();
    Ok(actix_web::web::Json(OrganizationList { count: data.len(), data }))
}
