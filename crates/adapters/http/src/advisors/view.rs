use serde::Serialize;
use tenantry_readings::{Advisor, OwnAdvisor};
use utoipa::ToSchema;

/// Somebody to ask.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Advisor)]
pub(crate) struct AdvisorView {
    #[schema(example = "legba")]
    id: String,
    name: String,
    title: String,
    description: String,
}

impl From<Advisor> for AdvisorView {
    fn from(advisor: Advisor) -> Self {
        Self {
            id: advisor.id.to_string(),
            name: advisor.name.into_string(),
            title: advisor.title.into_string(),
            description: advisor.description.into_string(),
        }
    }
}

impl From<OwnAdvisor> for AdvisorView {
    fn from(advisor: OwnAdvisor) -> Self {
        Self {
            id: advisor.id.to_string(),
            name: advisor.name.into_string(),
            title: advisor.title.into_string(),
            description: advisor.description.into_string(),
        }
    }
}
