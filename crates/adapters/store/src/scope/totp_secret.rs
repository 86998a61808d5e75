use sea_orm::Condition;
use sea_orm::entity::prelude::*;

use super::{Scope, Scoped};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "totp_secrets")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: Uuid,
    pub sealed_secret: Vec<u8>,
    pub last_step: Option<i64>,
    pub attempts: i64,
    pub attempts_since: DateTimeUtc,
    pub confirmed_at: Option<DateTimeUtc>,
    pub created_at: DateTimeUtc,
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
