use sea_orm::Condition;
use sea_orm::entity::prelude::*;

use super::{Scope, Scoped};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "readings")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub organization_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub user_id: Uuid,
    pub advisor: String,
    pub question: String,
    pub question_digest: Vec<u8>,
    pub response: Option<String>,
    pub citations: Json,
    pub status: String,
    pub failure: Option<String>,
    pub provider: Option<String>,
    pub llm: Option<String>,
    pub prompt_tokens: i64,
    pub completion_tokens: i64,
    pub cost: i64,
    pub is_estimated: bool,
    pub stop_requested: bool,
    pub heard_until: Option<DateTimeUtc>,
    pub created_at: DateTimeUtc,
    pub deadline: DateTimeUtc,
    pub completed_at: Option<DateTimeUtc>,
    pub over_at: Option<i64>,
    pub revision: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Scoped for Entity {
    fn readable(scope: &Scope) -> Condition {
        scope.in_tenant(Column::OrganizationId)
    }

    fn admits(scope: &Scope, row: &ActiveModel) -> bool {
        scope.is_tenant(&row.organization_id)
    }
}
