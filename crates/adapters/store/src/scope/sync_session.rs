use sea_orm::Condition;
use sea_orm::entity::prelude::*;

use super::{Scope, Scoped};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "sync_sessions")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub organization_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub user_id: Uuid,
    pub project_id: Uuid,
    pub cycle_id: Option<Uuid>,
    pub local_directory: String,
    pub s3_prefix: Option<String>,
    pub aws_profile: Option<String>,
    pub max_workers: i16,
    pub times_to_retry: i16,
    pub use_find: bool,
    pub include: Json,
    pub exclude: Json,
    pub compare_by: String,
    pub delete_extraneous: bool,
    pub schedule: Option<String>,
    pub next_run_at: Option<DateTimeUtc>,
    pub last_run_id: Option<Uuid>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
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
