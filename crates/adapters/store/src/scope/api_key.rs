use sea_orm::Condition;
use sea_orm::entity::prelude::*;

use super::{Scope, Scoped};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "api_keys")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub organization_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub user_id: Uuid,
    pub name: String,
    pub prefix: String,
    pub digest: Vec<u8>,
    pub scopes: String,
    pub created_at: DateTimeUtc,
    pub expires_at: Option<DateTimeUtc>,
    pub last_used_at: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Everybody's own keys, of the organisation that they work in.
impl Scoped for Entity {
    fn readable(scope: &Scope) -> Condition {
        scope.in_tenant(Column::OrganizationId).add(scope.of_user(Column::UserId))
    }

    fn admits(scope: &Scope, row: &ActiveModel) -> bool {
        scope.is_tenant(&row.organization_id) && scope.is_user(&row.user_id)
    }
}
