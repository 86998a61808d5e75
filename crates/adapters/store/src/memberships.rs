use async_trait::async_trait;
use sea_orm::{ActiveValue::Set, ColumnTrait, QueryFilter};
use tenantry_kernel::{OrganizationId, Revision, StorageError, UserId};
use tenantry_tenancy::{Membership, ports::MembershipRepository};

use crate::StoreTransaction;
use crate::error::storage;
use crate::row::corrupt;
use crate::scope::memberships::{ActiveModel, Column, Model};

/// Reads a stored membership.
pub(crate) fn membership_from(row: &Model) -> Result<Membership, StorageError> {
    Ok(Membership {
        organization_id: OrganizationId::from_uuid(row.organization_id),
        user_id: UserId::from_uuid(row.user_id),
        role: row.role.parse().or(Err(corrupt("memberships", row.user_id, "role")))?,
        is_active: row.is_active,
        epoch: row.epoch,
        joined_at: row.joined_at,
        updated_at: row.updated_at,
        revision: Revision::from_stored(row.revision),
    })
}

fn to_row(membership: &Membership) -> ActiveModel {
    ActiveModel {
        organization_id: Set(membership.organization_id.as_uuid()),
        user_id: Set(membership.user_id.as_uuid()),
        role: Set(membership.role.as_str().to_owned()),
        is_active: Set(membership.is_active),
        epoch: Set(membership.epoch),
        joined_at: Set(membership.joined_at),
        updated_at: Set(membership.updated_at),
        revision: Set(membership.revision.get()),
    }
}

#[async_trait]
impl MembershipRepository for StoreTransaction {
    async fn find(&mut self, user_id: UserId) -> Result<Option<Membership>, StorageError> {
        let select = self.scope().select_own::<Column>().filter(Column::UserId.eq(user_id.as_uuid()));
        let row = self.lock(select).one(self).await.map_err(storage)?;
        row.as_ref().map(membership_from).transpose()
    }

    async fn insert(&mut self, membership: &Membership) -> Result<(), StorageError> {
        let insert = self.scope().insert(to_row(membership))?;
        insert.exec_without_returning(self).await.map(|_| ()).map_err(storage)
    }
}
