//! What administering the platform needs: a text to search organisations in, and indexes for lists across all of them.
//! And that people read what the audit log tells of their own accounts.

use sea_orm_migration::prelude::*;

use crate::policies::{ORGANIZATION, USER, restrict_read};
use crate::sql::Script;

#[derive(DeriveMigrationName)]
pub struct Migration;

/// `search_text` is what people search in, in lower case. What was stored before is lowered by the database, which on
/// SQLite knows ASCII only; the next change of a row makes it right.
const UP: &str = "
ALTER TABLE organizations ADD COLUMN search_text TEXT NOT NULL DEFAULT '';
UPDATE organizations SET search_text = lower(name || '
' || slug || '
' || coalesce(contact_email, ''));
CREATE INDEX organizations_by_creation ON organizations (created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX users_by_creation ON users (created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX audit_log_of_all ON audit_log (occurred_at, id);
CREATE INDEX audit_log_by_actor ON audit_log (actor_id, occurred_at, id);
";

const DOWN: &str = "
DROP INDEX audit_log_by_actor;
DROP INDEX audit_log_of_all;
DROP INDEX users_by_creation;
DROP INDEX organizations_by_creation;
ALTER TABLE organizations DROP COLUMN search_text;
";

/// Replaces the policy that says who reads which entries.
fn replace_policy(rule: &str) -> String {
    format!("DROP POLICY audit_log_read ON audit_log;\n{}", restrict_read("audit_log", rule))
}

fn within_own_log() -> String {
    format!("organization_id = {ORGANIZATION}")
}

/// A user reads outside of all organisations what concerns the account alone and was done in their name.
fn within_own_log_or_account() -> String {
    format!("{} OR ({ORGANIZATION} IS NULL AND organization_id IS NULL AND actor_id = {USER})", within_own_log())
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let postgres = replace_policy(&within_own_log_or_account());
        Script { both: UP, postgres, ..Script::default() }.run(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let postgres = replace_policy(&within_own_log());
        Script { both: DOWN, postgres, ..Script::default() }.run(manager).await
    }
}
