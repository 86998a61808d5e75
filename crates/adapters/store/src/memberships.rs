use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, ExprTrait, LockType, Query};
use sea_orm::{ActiveValue::Set, ColumnTrait, QueryFilter, QuerySelect, QueryTrait};
use tenantry_kernel::{OrganizationId, Page, PageRequest, Revision, StorageError, UserId};
use tenantry_tenancy::{InsertMembershipError, Member, MemberFilter, Membership, Role, ports::MembershipRepository};
use uuid::Uuid;

use crate::StoreTransaction;
use crate::error::storage;
use crate::listing::counting;
use crate::row::corrupt;
use crate::scope::memberships::{ActiveModel, Column, Model};
use crate::scope::{organizations, users};

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

/// That the member's account may sign in.
pub(crate) fn has_active_account() -> Expr {
    let account = Query::select()
        .expr(Expr::val(1))
        .from(users::Column::Id.entity_name())
        .and_where(Expr::col(users::Column::Id.as_column_ref()).equals(Column::UserId.as_column_ref()))
        .and_where(users::Column::IsActive.eq(true))
        .and_where(users::Column::DeletedAt.is_null())
        .take();
    Expr::exists(account)
}

/// All that may change; the ids and the time of joining stay out.
fn changeable(membership: &Membership) -> ActiveModel {
    ActiveModel {
        role: Set(membership.role.as_str().to_owned()),
        is_active: Set(membership.is_active),
        epoch: Set(membership.epoch),
        updated_at: Set(membership.updated_at),
        revision: Set(membership.revision.get()),
        ..Default::default()
    }
}

fn to_row(membership: &Membership) -> ActiveModel {
    ActiveModel {
        organization_id: Set(membership.organization_id.as_uuid()),
        user_id: Set(membership.user_id.as_uuid()),
        joined_at: Set(membership.joined_at),
        ..changeable(membership)
    }
}

#[async_trait]
impl MembershipRepository for StoreTransaction {
    async fn find(&mut self, user_id: UserId) -> Result<Option<Membership>, StorageError> {
        let select = self.scope().select_own::<Column>().filter(Column::UserId.eq(user_id.as_uuid()));
        let row = self.lock(select).one(self).await.map_err(storage)?;
        row.as_ref().map(membership_from).transpose()
    }

    async fn insert(&mut self, membership: &Membership) -> Result<(), InsertMembershipError> {
        let insert = self.scope().insert(to_row(membership))?;
        if !self.keep_account(membership.user_id).await? || !self.keep_organization().await? {
            return Err(InsertMembershipError::Gone);
        }
        let insert = insert.on_conflict_do_nothing_on([Column::OrganizationId, Column::UserId]);
        if self.insert_new(insert).await? { Ok(()) } else { Err(InsertMembershipError::AlreadyMember) }
    }

    async fn list(&mut self, filter: &MemberFilter, page: &PageRequest) -> Result<Page<Member>, StorageError> {
        self.list_members(filter, page).await
    }

    async fn count_other_owners(&mut self, user_id: UserId) -> Result<u64, StorageError> {
        let others = self
            .scope()
            .select_own::<Column>()
            .filter(Column::IsActive.eq(true))
            .filter(Column::Role.eq(Role::Owner.as_str()))
            .filter(has_active_account())
            .filter(Column::UserId.ne(user_id.as_uuid()));
        self.count(&counting(others.into_query())).await
    }

    async fn update(&mut self, membership: &Membership, expected: Revision) -> Result<bool, StorageError> {
        let update = self
            .scope()
            .update_many::<Column>()
            .set(changeable(membership))
            .filter(Column::UserId.eq(membership.user_id.as_uuid()))
            .filter(Column::Revision.eq(expected.get()));
        Ok(update.exec(self).await.map_err(storage)?.rows_affected == 1)
    }

    async fn delete(&mut self, user_id: UserId, expected: Revision) -> Result<bool, StorageError> {
        // Whoever belongs to several organisations may be removed in the name of this one only.
        let organization_id = self.scope().organization_id().unwrap_or(Uuid::nil());
        let delete = self
            .scope()
            .delete_many::<Column>()
            .filter(Column::OrganizationId.eq(organization_id))
            .filter(Column::UserId.eq(user_id.as_uuid()))
            .filter(Column::Revision.eq(expected.get()));
        Ok(delete.exec(self).await.map_err(storage)?.rows_affected == 1)
    }

    async fn renew_epochs(&mut self, at: DateTime<Utc>) -> Result<Vec<Membership>, StorageError> {
        let update = self
            .scope()
            .update_many::<Column>()
            .set(ActiveModel { updated_at: Set(at), ..Default::default() })
            .col_expr(Column::Epoch, Expr::col(Column::Epoch).add(1))
            .col_expr(Column::Revision, Expr::col(Column::Revision).add(1));
        let rows = update.exec_with_returning(self).await.map_err(storage)?;
        rows.iter().map(membership_from).collect()
    }
}

impl StoreTransaction {
    /// Whether the account is there and not deleted; then nobody deletes it before the end of the transaction. A row is
    /// locked only by whom its policies let change it, so this is asked in the user's own name.
    async fn keep_account(&mut self, id: UserId) -> Result<bool, StorageError> {
        let before = *self.scope();
        self.rebind(before.acting_for(id.as_uuid())).await?;
        let select = self
            .scope()
            .select::<users::Column>()
            .filter(users::Column::Id.eq(id.as_uuid()))
            .filter(users::Column::DeletedAt.is_null());
        let is_there = self.exists(self.lock(select)).await?;
        self.rebind(before).await?;
        Ok(is_there)
    }

    /// The same of the context's organisation. The lock is shared, so that those who join don't wait for one another.
    async fn keep_organization(&mut self) -> Result<bool, StorageError> {
        let own = self.scope().select_own::<organizations::Column>();
        let select = own.filter(organizations::Column::DeletedAt.is_null());
        let select = if self.locks_rows() { select.lock(LockType::Share) } else { select };
        self.exists(select).await
    }
}
