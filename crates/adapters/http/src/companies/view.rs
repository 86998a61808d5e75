use serde::Serialize;
use tenantry_tenancy::Organization;
use utoipa::ToSchema;

use crate::organizations::OrganizationView;

/// An organization under both of its names.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Company)]
pub(crate) struct CompanyView {
    #[serde(flatten)]
    organization: OrganizationView,
    /// The same as `name`.
    company_name: String,
    /// The same as `slug`.
    company_code: String,
}

impl From<&Organization> for CompanyView {
    fn from(organization: &Organization) -> Self {
        Self {
            organization: OrganizationView::from(organization),
            company_name: organization.name.as_str().to_owned(),
            company_code: organization.slug.as_str().to_owned(),
        }
    }
}
