use async_trait::async_trait;
use sea_orm::{ActiveValue::Set, ColumnTrait, QueryFilter};
use serde_json::Value;
use tenantry_identity::Email;
use tenantry_kernel::{OrganizationId, Revision, StorageError};
use tenantry_tenancy::{
    InsertOrganizationError, Metadata, Organization, OrganizationName, Plan, Slug, ports::OrganizationRepository,
};

use crate::StoreTransaction;
use crate::error::{broken_unique, storage};
use crate::row::corrupt;
use crate::scope::organizations::{ActiveModel, Column, Model};
use crate::search::search_text;

/// Reads a stored organisation.
pub(crate) fn organization_from(row: Model) -> Result<Organization, StorageError> {
    let broken = |column| corrupt("organizations", row.id, column);
    Ok(Organization {
        id: OrganizationId::from_uuid(row.id),
        name: OrganizationName::parse(&row.name).or(Err(broken("name")))?,
        slug: Slug::parse(&row.slug).or(Err(broken("slug")))?,
        plan: Plan::from_name(&row.plan).ok_or_else(|| broken("plan"))?,
        contact_email: row
            .contact_email
            .map(|email| Email::parse(&email).or(Err(broken("contact_email"))))
            .transpose()?,
        is_active: row.is_active,
        metadata: metadata_from(row.metadata).ok_or_else(|| broken("metadata"))?,
        created_at: row.created_at,
        updated_at: row.updated_at,
        deleted_at: row.deleted_at,
        revision: Revision::from_stored(row.revision),
    })
}

/// Metadata as it was stored, if it is an object.
pub(crate) fn metadata_from(stored: Value) -> Option<Metadata> {
    match stored {
        Value::Object(members) => Some(Metadata::from_stored(members)),
        _ => None,
    }
}

/// All that may change; the id and the time of creation stay out.
fn changeable(organization: &Organization) -> ActiveModel {
    ActiveModel {
        name: Set(organization.name.as_str().to_owned()),
        slug: Set(organization.slug.as_str().to_owned()),
        plan: Set(organization.plan.as_str().to_owned()),
        contact_email: Set(organization.contact_email.as_ref().map(|email| email.as_str().to_owned())),
        is_active: Set(organization.is_active),
        metadata: Set(Value::Object(organization.metadata.as_map().clone())),
        updated_at: Set(organization.updated_at),
        deleted_at: Set(organization.deleted_at),
        revision: Set(organization.revision.get()),
        search_text: Set(search_text(&[
            organization.name.as_str(),
            organization.slug.as_str(),
            organization.contact_email.as_ref().map_or("", Email::as_str),
        ])),
        ..Default::default()
    }
}

#[async_trait]
impl OrganizationRepository for StoreTransaction {
    async fn find(&mut self, id: OrganizationId) -> Result<Option<Organization>, StorageError> {
        let select =
            self.scope().select_own::<Column>().filter(Column::Id.eq(id.as_uuid())).filter(Column::DeletedAt.is_null());
        let row = self.lock(select).one(self).await.map_err(storage)?;
        row.map(organization_from).transpose()
    }

    async fn insert(&mut self, organization: &Organization) -> Result<(), InsertOrganizationError> {
        let row = ActiveModel {
            id: Set(organization.id.as_uuid()),
            created_at: Set(organization.created_at),
            ..changeable(organization)
        };
        let insert = self.scope().insert(row)?.on_conflict_do_nothing_on([Column::Slug]);
        if self.insert_new(insert).await? { Ok(()) } else { Err(InsertOrganizationError::SlugTaken) }
    }

    async fn update(
        &mut self,
        organization: &Organization,
        expected: Revision,
    ) -> Result<bool, InsertOrganizationError> {
        let update = self
            .scope()
            .update_many::<Column>()
            .set(changeable(organization))
            .filter(Column::Id.eq(organization.id.as_uuid()))
            .filter(Column::Revision.eq(expected.get()))
            .filter(Column::DeletedAt.is_null());
        match update.exec(self).await {
            Ok(done) => Ok(done.rows_affected == 1),
            Err(error) if broken_unique(&error).as_deref() == Some("organizations_slug") => {
                Err(InsertOrganizationError::SlugTaken)
            }
            Err(error) => Err(storage(error).into()),
        }
    }
}
