use sea_orm::Condition;
use sea_orm::entity::prelude::*;

use super::{Scope, Scoped};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "recovery_codes")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub digest: Vec<u8>,
    pub used_at: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Scoped for Entity {
    fn readable(scope: &Scope) -> Condition {
        scope.of_user(Column::UserId)
    }

    fn admits(scope: &Scope, row: &ActiveModel) -> bool {
        scope.is_user(&row.user_id)
    }
}
