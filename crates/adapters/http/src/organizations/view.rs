use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value};
use tenantry_tenancy::{Organization, OwnMembership};
use utoipa::ToSchema;
use uuid::Uuid;

/// An organization.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Organization)]
pub(crate) struct OrganizationView {
    id: Uuid,
    /// What people call it.
    name: String,
    /// Its name in addresses, unique.
    slug: String,
    /// FREE, PRO or ENTERPRISE.
    plan: &'static str,
    #[schema(required)]
    contact_email: Option<String>,
    is_active: bool,
    /// What clients keep with it.
    #[schema(value_type = Object)]
    metadata: Map<String, Value>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<&Organization> for OrganizationView {
    fn from(organization: &Organization) -> Self {
        Self {
            id: organization.id.as_uuid(),
            name: organization.name.as_str().to_owned(),
            slug: organization.slug.as_str().to_owned(),
            plan: organization.plan.as_str(),
            contact_email: organization.contact_email.as_ref().map(|email| email.as_str().to_owned()),
            is_active: organization.is_active,
            metadata: organization.metadata.as_map().clone(),
            created_at: organization.created_at,
            updated_at: organization.updated_at,
        }
    }
}

/// The organization that tokens name.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OrganizationSummary {
    id: Uuid,
    name: String,
    slug: String,
    /// FREE, PRO or ENTERPRISE.
    plan: &'static str,
}

impl From<&Organization> for OrganizationSummary {
    fn from(organization: &Organization) -> Self {
        Self {
            id: organization.id.as_uuid(),
            name: organization.name.as_str().to_owned(),
            slug: organization.slug.as_str().to_owned(),
            plan: organization.plan.as_str(),
        }
    }
}

/// An organization that the user belongs to.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MembershipSummary {
    id: Uuid,
    name: String,
    slug: String,
    /// OWNER, ADMIN, MEMBER or GUEST.
    role: &'static str,
}

impl From<&OwnMembership> for MembershipSummary {
    fn from(own: &OwnMembership) -> Self {
        Self {
            id: own.organization.id.as_uuid(),
            name: own.organization.name.as_str().to_owned(),
            slug: own.organization.slug.as_str().to_owned(),
            role: own.membership.role.as_str(),
        }
    }
}
