use sea_orm::Condition;
use sea_orm::entity::prelude::*;

use super::{Scope, Scoped};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "sync_runs")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub organization_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub user_id: Uuid,
    pub session_id: Option<Uuid>,
    pub session_revision: Option<i64>,
    pub project_id: Uuid,
    pub cycle_id: Option<Uuid>,
    pub mode: String,
    pub bucket: Option<String>,
    pub profile: Option<String>,
    pub prefix: String,
    pub confirmed_deletions: i64,
    pub state: String,
    pub is_scanned: bool,
    pub cancel_requested: bool,
    pub total_files: i64,
    pub files_uploaded: i64,
    pub files_skipped: i64,
    pub files_failed: i64,
    pub files_deleted: i64,
    pub total_bytes: i64,
    pub bytes_uploaded: i64,
    pub bytes_per_second: Option<i64>,
    pub files_per_second: Option<i64>,
    pub error: Option<String>,
    pub warnings: Json,
    pub warning_count: i64,
    pub crashes: i16,
    pub run_after_ms: i64,
    pub lease_owner: Option<String>,
    pub lease_epoch: i64,
    pub lease_advance: i64,
    pub lease_until_ms: Option<i64>,
    pub created_at: DateTimeUtc,
    pub started_at: Option<DateTimeUtc>,
    pub finished_at: Option<DateTimeUtc>,
    pub updated_at: DateTimeUtc,
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
