//! The keys that access tokens are signed with, both parts of each encrypted under the secret of the operator.

use sea_orm_migration::prelude::*;

use crate::policies::{enable, grant, restrict_delete};
use crate::sql::Script;

#[derive(DeriveMigrationName)]
pub struct Migration;

/// The index lets one key sign and one be next, however many nodes make one at the same time.
const UP: &str = "
CREATE TABLE signing_keys (
    id TEXT NOT NULL PRIMARY KEY,
    state TEXT NOT NULL CHECK (state IN ('next', 'active', 'retired')),
    since {time} NOT NULL,
    sealed_private {bytes},
    sealed_public {bytes} NOT NULL,
    created_at {time} NOT NULL,
    CHECK ((sealed_private IS NULL) = (state = 'retired'))
) {strict};
CREATE UNIQUE INDEX signing_keys_state ON signing_keys (state) WHERE state <> 'retired';
";

const DOWN: &str = "DROP TABLE signing_keys;";

/// Every node reads all keys; requests never change one.
fn policies() -> String {
    let no_change = "
        CREATE POLICY signing_keys_insert ON signing_keys AS RESTRICTIVE FOR INSERT TO tenantry_app WITH CHECK (false);
        CREATE POLICY signing_keys_update ON signing_keys AS RESTRICTIVE FOR UPDATE TO tenantry_app USING (false);\n";
    [
        enable("signing_keys"),
        no_change.to_owned(),
        restrict_delete("signing_keys", "false"),
        grant("signing_keys", "SELECT"),
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
