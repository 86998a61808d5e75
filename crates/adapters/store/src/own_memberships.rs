use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, ExprTrait, LockType, SelectStatement};
use sea_orm::{ActiveValue::Set, ColumnTrait, Iterable, QueryFilter, QueryResult, QuerySelect, QueryTrait};
use tenantry_kernel::{OrganizationId, StorageError};
use tenantry_tenancy::{
    InsertMembershipError, InsertOrganizationError, Membership, Organization, OwnMembership, Role,
    ports::{MembershipRepository, OrganizationRepository, OtherMembers, OwnMembershipRepository},
};
use uuid::Uuid;

use crate::StoreTransaction;
use crate::error::storage;
use crate::listing::counting;
use crate::memberships::{has_active_account, membership_from};
use crate::organizations::organization_from;
use crate::row::RowReader;
use crate::scope::memberships::Column as Member;
use crate::scope::organizations::{ActiveModel as OrganizationRow, Column as Tenant};
use crate::scope::{Scope, memberships, organizations};

/// How many memberships are listed at most.
const LISTED: u64 = 1_000;

#[derive(Debug, thiserror::Error)]
#[error("the actor does not own the organisation")]
struct NotOwned;

#[derive(Debug, thiserror::Error)]
#[error("the membership of a new organisation is not the actor's")]
struct NotFoundedByActor;

/// The user's memberships, each beside its organisation, in one statement.
fn select_own(scope: &Scope) -> SelectStatement {
    let mut select = scope.select::<Member>().select_only().columns(Member::iter()).into_query();
    select
        .exprs(Tenant::iter().map(|column| Expr::col(column.as_column_ref())))
        .inner_join(
            Tenant::Id.entity_name(),
            Expr::col(Tenant::Id.as_column_ref()).equals(Member::OrganizationId.as_column_ref()),
        )
        .and_where(is_own(scope));
    select
}

fn is_own(scope: &Scope) -> Expr {
    // Nobody is the nil user.
    Member::UserId.eq(scope.user_id().unwrap_or(Uuid::nil()))
}

/// Those that are listed: in organisations that are not deleted, the oldest first.
pub(crate) fn select_listed(scope: &Scope) -> SelectStatement {
    let mut select = select_own(scope);
    select
        .and_where(Tenant::DeletedAt.is_null())
        .order_by(Member::JoinedAt.as_column_ref(), sea_orm::Order::Asc)
        .order_by(Member::OrganizationId.as_column_ref(), sea_orm::Order::Asc)
        .limit(LISTED);
    select
}

/// Reads what [`select_own`] selects.
pub(crate) fn read_own(row: &mut RowReader<'_>) -> Result<OwnMembership, StorageError> {
    let membership = membership_from(&memberships::read(row)?)?;
    let organization = organization_from(organizations::read(row)?)?;
    Ok(OwnMembership { organization, membership })
}

fn read(row: &QueryResult) -> Result<OwnMembership, StorageError> {
    read_own(&mut RowReader::new(row))
}

impl StoreTransaction {
    /// Widens the scope to an organisation that the user owns, and answers the scope so far, to go back to.
    async fn enter_owned(&mut self, id: OrganizationId) -> Result<Scope, StorageError> {
        let mut owned = select_own(self.scope());
        owned
            .and_where(Member::OrganizationId.eq(id.as_uuid()))
            .and_where(Member::IsActive.eq(true))
            .and_where(Member::Role.eq(Role::Owner.as_str()));
        if self.row(&owned).await?.is_none() {
            return Err(StorageError::Internal(NotOwned.into()));
        }
        let before = *self.scope();
        self.rebind(before.entered(id.as_uuid())).await?;
        Ok(before)
    }

    /// How many others are active members, or can act in a role.
    async fn count_active_others(&self, role: Option<Role>) -> Result<u64, StorageError> {
        let mut others = self.scope().select_own::<Member>().filter(Member::IsActive.eq(true)).into_query();
        others.and_where(is_own(self.scope()).not());
        if let Some(role) = role {
            others.and_where(Member::Role.eq(role.as_str())).and_where(has_active_account());
        }
        self.count(&counting(others)).await
    }
}

#[async_trait]
impl OwnMembershipRepository for StoreTransaction {
    async fn find(&mut self, id: OrganizationId) -> Result<Option<OwnMembership>, StorageError> {
        let mut select = select_own(self.scope());
        select.and_where(Member::OrganizationId.eq(id.as_uuid()));
        self.row(&select).await?.as_ref().map(read).transpose()
    }

    async fn list(&mut self) -> Result<Vec<OwnMembership>, StorageError> {
        self.rows(&select_listed(self.scope())).await?.iter().map(read).collect()
    }

    async fn found(
        &mut self,
        organization: &Organization,
        membership: &Membership,
    ) -> Result<(), InsertOrganizationError> {
        let before = *self.scope();
        let is_own = before.user_id() == Some(membership.user_id.as_uuid());
        if !is_own || membership.organization_id != organization.id {
            return Err(StorageError::Internal(NotFoundedByActor.into()).into());
        }
        self.rebind(before.entered(organization.id.as_uuid())).await?;
        let founded = match OrganizationRepository::insert(self, organization).await {
            Ok(()) => MembershipRepository::insert(self, membership).await.map_err(|error| match error {
                InsertMembershipError::Storage(error) => error.into(),
                other => StorageError::Internal(other.into()).into(),
            }),
            refused => refused,
        };
        self.rebind(before).await?;
        founded
    }

    async fn count_others(&mut self, id: OrganizationId) -> Result<OtherMembers, StorageError> {
        let before = self.enter_owned(id).await?;
        if self.locks_rows() {
            // Nobody may join or leave meanwhile: a new membership needs its organisation's key, and the last two
            // owners who leave at once must see each other.
            let organization = self.scope().select_own::<Tenant>().filter(Tenant::Id.eq(id.as_uuid()));
            organization.lock(LockType::Update).one(self).await.map_err(storage)?;
        }
        let members = self.count_active_others(None).await?;
        let owners = self.count_active_others(Some(Role::Owner)).await?;
        self.rebind(before).await?;
        Ok(OtherMembers { members, owners })
    }

    async fn delete_organization(&mut self, id: OrganizationId, at: DateTime<Utc>) -> Result<(), StorageError> {
        let before = self.enter_owned(id).await?;
        let change = OrganizationRow { deleted_at: Set(Some(at)), updated_at: Set(at), ..Default::default() };
        let update = self
            .scope()
            .update_many::<Tenant>()
            .set(change)
            .col_expr(Tenant::Revision, Expr::col(Tenant::Revision).add(1))
            .filter(Tenant::Id.eq(id.as_uuid()))
            .filter(Tenant::DeletedAt.is_null());
        update.exec(self).await.map_err(storage)?;
        self.rebind(before).await
    }

    async fn delete_all(&mut self) -> Result<(), StorageError> {
        let delete = self.scope().delete_many::<Member>().filter(is_own(self.scope()));
        delete.exec(self).await.map(|_| ()).map_err(storage)
    }
}
