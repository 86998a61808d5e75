//! What managing the members of organisations, and erasing organisations, needs: texts to search in, and indexes.

use sea_orm_migration::prelude::*;

use crate::sql::Script;

#[derive(DeriveMigrationName)]
pub struct Migration;

/// `search_text` is what people search in, in lower case. What was stored before is lowered by the database, which on
/// SQLite knows ASCII only; the next change of a row makes it right.
const UP: &str = "
ALTER TABLE users ADD COLUMN search_text TEXT NOT NULL DEFAULT '';
UPDATE users SET search_text = lower(coalesce(full_name, '') || '
' || email || '
' || username);
CREATE INDEX memberships_by_joining ON memberships (organization_id, joined_at, user_id);
CREATE INDEX organizations_by_deletion ON organizations (deleted_at) WHERE deleted_at IS NOT NULL;
";

const DOWN: &str = "
DROP INDEX organizations_by_deletion;
DROP INDEX memberships_by_joining;
ALTER TABLE users DROP COLUMN search_text;
";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        Script { both: UP, ..Script::default() }.run(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        Script { both: DOWN, ..Script::default() }.run(manager).await
    }
}
