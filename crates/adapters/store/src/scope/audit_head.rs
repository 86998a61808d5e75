use sea_orm::Condition;
use sea_orm::entity::prelude::*;

use super::{Scope, Scoped, no_row};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_heads")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub chain_id: Uuid,
    pub position: i64,
    pub hash: Vec<u8>,
    pub expired_position: i64,
    pub expired_hash: Vec<u8>,
    pub seal: Vec<u8>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The chains are the platform's.
impl Scoped for Entity {
    fn readable(_scope: &Scope) -> Condition {
        no_row()
    }

    fn admits(_scope: &Scope, _row: &ActiveModel) -> bool {
        false
    }
}
