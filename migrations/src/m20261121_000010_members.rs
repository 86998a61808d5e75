//! What managing organisations, their people and their projects needs: texts to search in.

use sea_orm_migration::prelude::*;

use crate::sql::Script;

#[derive(DeriveMigrationName)]
pub struct Migration;

/// `search_text` is what people search in, in lower case. What was stored before is lowered by the database, which on
/// SQLite knows ASCII only; the next change of a row makes it right.
const UP: &str = "
ALTER TABLE projects ADD COLUMN search_text TEXT NOT NULL DEFAULT '';
UPDATE projects SET search_text = lower(name || '
' || coalesce(description, ''));
";

const DOWN: &str = "
ALTER TABLE projects DROP COLUMN search_text;
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
