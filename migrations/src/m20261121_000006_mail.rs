//! Mails that wait to be sent.

use sea_orm_migration::prelude::*;

use crate::policies::{enable, grant, restrict_delete, restrict_read};
use crate::sql::Script;

#[derive(DeriveMigrationName)]
pub struct Migration;

/// `due_at` is when a mail is next to be sent: a worker that claims one moves it to the end of the claim.
const UP: &str = "
CREATE TABLE outbox (
    id {uuid} NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    recipient {bytes} NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'sent', 'dropped', 'dead')),
    sealed {bytes},
    attempts {int} NOT NULL,
    epoch {int} NOT NULL,
    due_at {time} NOT NULL,
    error TEXT,
    created_at {time} NOT NULL,
    settled_at {time},
    expires_at {time} NOT NULL
) {strict};
CREATE INDEX outbox_by_due ON outbox (due_at, id) WHERE state = 'queued';
CREATE INDEX outbox_by_recipient ON outbox (recipient, kind, created_at);
CREATE INDEX outbox_by_expiry ON outbox (expires_at);
";

const DOWN: &str = "DROP TABLE outbox;";

/// A request may add a mail, for whomever, that waits to be sent. It reads, changes and deletes none.
fn policies() -> String {
    let add_only = "
        CREATE POLICY outbox_insert ON outbox AS RESTRICTIVE FOR INSERT TO tenantry_app WITH CHECK (state = 'queued');
        CREATE POLICY outbox_update ON outbox AS RESTRICTIVE FOR UPDATE TO tenantry_app USING (false);\n";
    [
        enable("outbox"),
        restrict_read("outbox", "false"),
        add_only.to_owned(),
        restrict_delete("outbox", "false"),
        grant("outbox", "INSERT"),
    ]
    .concat()
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        Script { both: UP, postgres: policies(), ..Script::default() }.run(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        Script { both: DOWN, ..Script::default() }.run(manager).await
    }
}
