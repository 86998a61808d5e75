use sea_orm::Condition;
use sea_orm::entity::prelude::*;

use super::{Scope, Scoped, no_row};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_queue")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub entry_id: Uuid,
    pub chain_id: Uuid,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Filled by a trigger, and read by the platform's workers alone.
impl Scoped for Entity {
    fn readable(_scope: &Scope) -> Condition {
        no_row()
    }

    fn admits(_scope: &Scope, _row: &ActiveModel) -> bool {
        false
    }
}
