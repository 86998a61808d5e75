use sea_orm::Condition;
use sea_orm::entity::prelude::*;

use super::{Scope, Scoped};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "revocations")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub kind: String,
    pub user_id: Uuid,
    pub session_id: Option<Uuid>,
    pub organization_id: Option<Uuid>,
    pub epoch: i64,
    pub occurred_at: DateTimeUtc,
    pub expires_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Revocations hold ids and epochs only, and every node needs all of them.
impl Scoped for Entity {
    fn readable(_scope: &Scope) -> Condition {
        Condition::all()
    }

    fn admits(_scope: &Scope, _row: &ActiveModel) -> bool {
        true
    }
}
