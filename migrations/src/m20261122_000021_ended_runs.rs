//! Runs that ended are removed after a while.

use sea_orm_migration::prelude::*;

use crate::sql::Script;

#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &str = "CREATE INDEX sync_runs_ended ON sync_runs (finished_at) WHERE finished_at IS NOT NULL;";

const DOWN: &str = "DROP INDEX sync_runs_ended;";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        Script { both: UP, ..Script::default() }.run(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        Script { both: DOWN, ..Script::default() }.run(manager).await
    }
}
