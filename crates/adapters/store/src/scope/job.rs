use sea_orm::Condition;
use sea_orm::entity::prelude::*;

use super::{Scope, Scoped};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "jobs")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub organization_id: Uuid,
    pub user_id: Option<Uuid>,
    pub queue: String,
    pub kind: String,
    pub payload: Json,
    pub priority: i16,
    pub state: String,
    pub unique_key: Option<String>,
    pub keeps_key: bool,
    pub attempts: i64,
    pub max_attempts: i64,
    pub crashes: i64,
    pub cancel_requested: bool,
    pub run_after_ms: i64,
    pub lease_owner: Option<String>,
    pub lease_epoch: i64,
    pub lease_until_ms: Option<i64>,
    pub last_error: Option<String>,
    pub created_at: DateTimeUtc,
    pub started_at: Option<DateTimeUtc>,
    pub finished_at: Option<DateTimeUtc>,
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
