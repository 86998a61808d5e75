use sea_orm::Condition;
use sea_orm::entity::prelude::*;

use super::{Scope, Scoped};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "mailed_links")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub purpose: String,
    pub token_digest: Vec<u8>,
    pub email_key: String,
    pub issued_at: DateTimeUtc,
    pub expires_at: DateTimeUtc,
    pub used_at: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Only the platform's workers add any.
impl Scoped for Entity {
    fn readable(scope: &Scope) -> Condition {
        scope.of_user(Column::UserId)
    }

    fn admits(_scope: &Scope, _row: &ActiveModel) -> bool {
        false
    }
}
