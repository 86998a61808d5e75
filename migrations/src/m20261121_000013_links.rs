//! Links that were mailed to people.

use sea_orm_migration::prelude::*;

use crate::policies::{USER, enable, grant, look_up, restrict};
use crate::sql::Script;

#[derive(DeriveMigrationName)]
pub struct Migration;

/// One row for each purpose of an account: a later link takes the place of the one before.
const UP: &str = "
CREATE TABLE mailed_links (
    user_id {uuid} NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    purpose TEXT NOT NULL CHECK (purpose IN ('verify_email', 'reset_password')),
    token_digest {bytes} NOT NULL,
    email_key TEXT NOT NULL,
    issued_at {time} NOT NULL,
    expires_at {time} NOT NULL,
    used_at {time},
    PRIMARY KEY (user_id, purpose)
) {strict};
CREATE UNIQUE INDEX mailed_links_by_token ON mailed_links (token_digest);
CREATE INDEX mailed_links_by_expiry ON mailed_links (expires_at);
";

const DOWN: &str = "DROP TABLE mailed_links;";

const DROP_LOOK_UP: &str = "DROP FUNCTION tenantry_mailed_link(bytea, text);";

/// Requests use links up; only the workers that mail them add any.
fn policies() -> String {
    let own = format!("user_id = {USER}");
    [enable("mailed_links"), restrict("mailed_links", &own), grant("mailed_links", "SELECT, UPDATE, DELETE")].concat()
}

/// The columns of a user in the order of the look-up by identifier, then those of the link.
fn look_ups() -> String {
    look_up(
        "tenantry_mailed_link(bytea, text)",
        "tenantry_mailed_link(wanted_token_digest bytea, wanted_purpose text)
            RETURNS TABLE (id uuid, email text, username text, full_name text, is_active boolean,
                is_platform_admin boolean, must_change_password boolean, email_verified_at timestamptz,
                epoch bigint, last_login_at timestamptz, created_at timestamptz, updated_at timestamptz,
                deleted_at timestamptz, revision bigint, email_key text, issued_at timestamptz,
                expires_at timestamptz, used_at timestamptz)",
        "SELECT u.id, u.email, u.username, u.full_name, u.is_active, u.is_platform_admin, u.must_change_password,
            u.email_verified_at, u.epoch, u.last_login_at, u.created_at, u.updated_at, u.deleted_at, u.revision,
            l.email_key, l.issued_at, l.expires_at, l.used_at
         FROM {schema}.mailed_links l JOIN {schema}.users u ON u.id = l.user_id
         WHERE l.token_digest = wanted_token_digest AND l.purpose = wanted_purpose",
    )
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        Script { both: UP, postgres: policies() + &look_ups(), ..Script::default() }.run(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        Script { both: DOWN, postgres: DROP_LOOK_UP.to_owned(), ..Script::default() }.run_reversed(manager).await
    }
}
