use sea_orm::Condition;
use sea_orm::entity::prelude::*;
use tenantry_kernel::StorageError;

use super::{Scope, Scoped};
use crate::row::RowReader;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "memberships")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub organization_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: Uuid,
    pub role: String,
    pub is_active: bool,
    pub epoch: i64,
    pub joined_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub revision: i64,
}

/// Reads all columns in their order, beside those of other tables.
pub fn read(row: &mut RowReader<'_>) -> Result<Model, StorageError> {
    Ok(Model {
        organization_id: row.take()?,
        user_id: row.take()?,
        role: row.take()?,
        is_active: row.take()?,
        epoch: row.take()?,
        joined_at: row.take()?,
        updated_at: row.take()?,
        revision: row.take()?,
    })
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// A membership is seen and ended by its organisation and by its user, and changed within its organisation only.
impl Scoped for Entity {
    fn readable(scope: &Scope) -> Condition {
        Condition::any().add(scope.in_tenant(Column::OrganizationId)).add(scope.of_user(Column::UserId))
    }

    fn writable(scope: &Scope) -> Condition {
        scope.in_tenant(Column::OrganizationId)
    }

    fn removable(scope: &Scope) -> Condition {
        Self::readable(scope)
    }

    fn admits(scope: &Scope, row: &ActiveModel) -> bool {
        scope.is_tenant(&row.organization_id)
    }
}
