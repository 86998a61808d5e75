use sea_orm::Condition;
use sea_orm::entity::prelude::*;

use super::{Scope, Scoped, no_row};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "signing_keys")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub state: String,
    pub since: DateTimeUtc,
    pub sealed_private: Option<Vec<u8>>,
    pub sealed_public: Vec<u8>,
    pub created_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Every node needs all keys, and nobody's request changes one.
impl Scoped for Entity {
    fn readable(_scope: &Scope) -> Condition {
        Condition::all()
    }

    fn writable(_scope: &Scope) -> Condition {
        no_row()
    }

    fn admits(_scope: &Scope, _row: &ActiveModel) -> bool {
        false
    }
}
