//! Second factors: authenticator apps and recovery codes.

use sea_orm_migration::prelude::*;

use crate::policies::{USER, enable, grant, restrict};
use crate::sql::Script;

#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &str = "
CREATE TABLE totp_secrets (
    user_id {uuid} NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    sealed_secret {bytes} NOT NULL,
    last_step {int},
    attempts {int} NOT NULL,
    attempts_since {time} NOT NULL,
    confirmed_at {time},
    created_at {time} NOT NULL
) {strict};

CREATE TABLE recovery_codes (
    user_id {uuid} NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    digest {bytes} NOT NULL,
    used_at {time},
    PRIMARY KEY (user_id, digest)
) {strict};
";

const DOWN: &str = "
DROP TABLE recovery_codes;
DROP TABLE totp_secrets;
";

fn policies() -> String {
    let own = format!("user_id = {USER}");
    let of = |table| [enable(table), restrict(table, &own), grant(table, "SELECT, INSERT, UPDATE, DELETE")].concat();
    ["totp_secrets", "recovery_codes"].map(of).concat()
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
