use sea_orm::Condition;
use sea_orm::entity::prelude::*;

use super::{Scope, Scoped, no_row};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "outbox")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub kind: String,
    pub recipient: Vec<u8>,
    pub state: String,
    pub sealed: Option<Vec<u8>>,
    pub attempts: i64,
    pub epoch: i64,
    pub due_at: DateTimeUtc,
    pub error: Option<String>,
    pub created_at: DateTimeUtc,
    pub settled_at: Option<DateTimeUtc>,
    pub expires_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Anybody may cause a mail; only the platform's workers read them.
impl Scoped for Entity {
    fn readable(_scope: &Scope) -> Condition {
        no_row()
    }

    fn admits(_scope: &Scope, _row: &ActiveModel) -> bool {
        true
    }
}
