//! Answers kept under the `Idempotency-Key` that a client sent.

use sea_orm_migration::prelude::*;

use crate::policies::{USER, enable, grant, restrict};
use crate::sql::Script;

#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &str = "
CREATE TABLE idempotency_keys (
    user_id {uuid} NOT NULL,
    key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    resource_id {uuid} NOT NULL,
    locked_until {time} NOT NULL,
    response {bytes},
    created_at {time} NOT NULL,
    expires_at {time} NOT NULL,
    PRIMARY KEY (user_id, key)
) {strict};
CREATE INDEX idempotency_keys_by_expiry ON idempotency_keys (expires_at);
";

const DOWN: &str = "DROP TABLE idempotency_keys;";

fn policies() -> String {
    [
        enable("idempotency_keys"),
        restrict("idempotency_keys", &format!("user_id = {USER}")),
        grant("idempotency_keys", "SELECT, INSERT, UPDATE, DELETE"),
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
