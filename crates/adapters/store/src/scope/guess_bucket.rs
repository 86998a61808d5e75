use sea_orm::Condition;
use sea_orm::entity::prelude::*;

use super::{Scope, Scoped};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "guess_buckets")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub key: Vec<u8>,
    pub guesses: i64,
    pub settled: i64,
    pub last_guess_at: DateTimeUtc,
    pub blocked_until: DateTimeUtc,
    pub expires_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Guesses are counted before anybody is known, under keys that nobody can tell a name from.
impl Scoped for Entity {
    fn readable(_scope: &Scope) -> Condition {
        Condition::all()
    }

    fn admits(_scope: &Scope, _row: &ActiveModel) -> bool {
        true
    }
}
