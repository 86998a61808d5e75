//! How often secrets were guessed lately. Keys are keyed hashes, so that a row names nobody.

use sea_orm_migration::prelude::*;

use crate::policies::{enable, grant};
use crate::sql::Script;

#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &str = "
CREATE TABLE guess_buckets (
    key {bytes} NOT NULL PRIMARY KEY,
    guesses {int} NOT NULL,
    settled {int} NOT NULL,
    last_guess_at {time} NOT NULL,
    blocked_until {time} NOT NULL,
    expires_at {time} NOT NULL
) {strict};
CREATE INDEX guess_buckets_by_expiry ON guess_buckets (expires_at);
";

const DOWN: &str = "DROP TABLE guess_buckets;";

/// Guesses are counted before anybody is known, so that no row can be bound to somebody.
fn policies() -> String {
    [enable("guess_buckets"), grant("guess_buckets", "SELECT, INSERT, UPDATE, DELETE")].concat()
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
