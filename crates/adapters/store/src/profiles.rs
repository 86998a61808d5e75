//! An account beside its memberships: what clients ask for most often costs one statement.

use async_trait::async_trait;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, QueryResult};
use tenantry_application::ports::ProfileRepository;
use tenantry_identity::{User, ports::UserRepository};
use tenantry_kernel::{StorageError, UserId};
use tenantry_tenancy::OwnMembership;

use crate::StoreTransaction;
use crate::own_memberships::{read_own, select_listed};
use crate::row::RowReader;
use crate::scope::{memberships::Column as Member, users::Column as Account};
use crate::users::{USER_COLUMNS, read_user};

#[async_trait]
impl ProfileRepository for StoreTransaction {
    async fn find(&mut self, id: UserId) -> Result<Option<(User, Vec<OwnMembership>)>, StorageError> {
        let mut select = select_listed(self.scope());
        select
            .exprs(USER_COLUMNS.map(|column| Expr::col(column.as_column_ref())))
            .inner_join(
                Account::Id.entity_name(),
                Expr::col(Account::Id.as_column_ref()).equals(Member::UserId.as_column_ref()),
            )
            .and_where(Account::Id.eq(id.as_uuid()));
        let mut user = None;
        let mut memberships = Vec::new();
        for row in &self.rows(&select).await? {
            let (own, account) = read_beside(row)?;
            memberships.push(own);
            user = Some(account);
        }
        if user.is_none() {
            user = UserRepository::find(self, id).await?;
        }
        Ok(user.filter(|user| user.deleted_at.is_none()).map(|user| (user, memberships)))
    }
}

fn read_beside(row: &QueryResult) -> Result<(OwnMembership, User), StorageError> {
    let mut row = RowReader::new(row);
    Ok((read_own(&mut row)?, read_user(&mut row)?))
}
