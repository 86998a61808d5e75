use sea_orm::Condition;
use sea_orm::entity::prelude::*;

use super::{Scope, Scoped};

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
        Condition::all().add(Expr::cust("1 = 0"))
    }

    fn admits(_scope: &Scope, _row: &ActiveModel) -> bool {
        false
    }
}
