//! Runs know which version of their session they are runs of.

use sea_orm_migration::prelude::*;

use crate::sql::Script;

#[derive(DeriveMigrationName)]
pub struct Migration;

/// Of runs that are there already, the version is known where the session has not changed since.
const UP: &str = "
ALTER TABLE sync_runs ADD COLUMN session_revision {int};
UPDATE sync_runs SET session_revision = (
    SELECT sync_sessions.revision FROM sync_sessions
    WHERE sync_sessions.organization_id = sync_runs.organization_id
        AND sync_sessions.id = sync_runs.session_id
        AND sync_sessions.updated_at <= sync_runs.created_at)
WHERE session_id IS NOT NULL;
";

const DOWN: &str = "ALTER TABLE sync_runs DROP COLUMN session_revision;";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        Script { both: UP, ..Script::default() }.run(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        Script { both: DOWN, ..Script::default() }.run(manager).await
    }
}
