//! Keys that programs act with, each as its owner in one organisation. It goes with the membership.

use sea_orm_migration::prelude::*;

use crate::policies::{ORGANIZATION, USER, enable, grant, look_up, restrict};
use crate::sql::Script;

#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &str = "
CREATE TABLE api_keys (
    organization_id {uuid} NOT NULL,
    id {uuid} NOT NULL,
    user_id {uuid} NOT NULL,
    name TEXT NOT NULL,
    prefix TEXT NOT NULL,
    digest {bytes} NOT NULL,
    scopes TEXT NOT NULL,
    created_at {time} NOT NULL,
    expires_at {time},
    last_used_at {time},
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, user_id) REFERENCES memberships (organization_id, user_id) ON DELETE CASCADE
) {strict};
CREATE INDEX api_keys_by_owner ON api_keys (organization_id, user_id, created_at);
CREATE UNIQUE INDEX api_keys_digest ON api_keys (digest);
";

const DOWN: &str = "DROP TABLE api_keys;";

/// Everybody sees their own keys only. The digest is looked up before anybody is known.
fn policies() -> String {
    [
        enable("api_keys"),
        restrict("api_keys", &format!("organization_id = {ORGANIZATION} AND user_id = {USER}")),
        grant("api_keys", "SELECT, INSERT, DELETE"),
        look_up(
            "tenantry_api_key_by_digest(bytea)",
            "tenantry_api_key_by_digest(wanted bytea)
                RETURNS TABLE (id uuid, organization_id uuid, user_id uuid, role text, scopes text,
                    expires_at timestamptz, last_used_at timestamptz, user_epoch bigint, membership_epoch bigint)",
            "SELECT k.id, k.organization_id, k.user_id, m.role, k.scopes, k.expires_at, k.last_used_at, u.epoch, m.epoch
             FROM {schema}.api_keys k
             JOIN {schema}.memberships m ON m.organization_id = k.organization_id AND m.user_id = k.user_id
             JOIN {schema}.users u ON u.id = k.user_id
             JOIN {schema}.organizations o ON o.id = k.organization_id
             WHERE k.digest = wanted AND m.is_active AND u.is_active AND u.deleted_at IS NULL
                AND o.is_active AND o.deleted_at IS NULL",
        ),
    ]
    .concat()
}

const DROP_FUNCTIONS: &str = "DROP FUNCTION tenantry_api_key_by_digest(bytea);";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        Script { both: UP, postgres: policies(), ..Script::default() }.run(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        Script { both: DOWN, postgres: DROP_FUNCTIONS.to_owned(), ..Script::default() }.run_reversed(manager).await
    }
}
