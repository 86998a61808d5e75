//! Organisations, memberships and projects, and the look-ups that come before a tenant is known.

use sea_orm_migration::prelude::*;

use crate::policies::{
    ORGANIZATION, USER, enable, grant, look_up, restrict, restrict_delete, restrict_read, restrict_write,
};
use crate::sql::Script;

#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &str = "
CREATE TABLE organizations (
    id {uuid} NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    slug TEXT NOT NULL,
    plan TEXT NOT NULL,
    contact_email TEXT,
    is_active {bool} NOT NULL,
    metadata {json} NOT NULL,
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL,
    deleted_at {time},
    revision {int} NOT NULL,
    CONSTRAINT organizations_slug UNIQUE (slug)
) {strict};

CREATE TABLE memberships (
    organization_id {uuid} NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    user_id {uuid} NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role TEXT NOT NULL CHECK (role IN ('OWNER', 'ADMIN', 'MEMBER', 'GUEST')),
    is_active {bool} NOT NULL,
    epoch {int} NOT NULL,
    joined_at {time} NOT NULL,
    updated_at {time} NOT NULL,
    revision {int} NOT NULL,
    PRIMARY KEY (organization_id, user_id)
) {strict};
CREATE INDEX memberships_by_user ON memberships (user_id);

CREATE TABLE projects (
    organization_id {uuid} NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id {uuid} NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    is_active {bool} NOT NULL,
    bucket_name TEXT,
    storage_prefix TEXT,
    metadata {json} NOT NULL,
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL,
    deleted_at {time},
    revision {int} NOT NULL,
    PRIMARY KEY (organization_id, id)
) {strict};
CREATE INDEX projects_by_creation ON projects (organization_id, created_at, id);
";

const DOWN: &str = "
DROP TABLE projects;
DROP TABLE memberships;
DROP TABLE organizations;
";

const DROP_DEPENDENTS: &str = "
DROP FUNCTION tenantry_credential_by_identifier(text, text);
DROP FUNCTION tenantry_credential_of(uuid);
DROP POLICY users_read ON users;
DROP POLICY users_insert ON users;
DROP POLICY users_update ON users;
DROP POLICY users_delete ON users;
DROP POLICY organizations_read ON organizations;
";

fn policies() -> String {
    let tenant = format!("organization_id = {ORGANIZATION}");
    let tenant_or_own = format!("{tenant} OR user_id = {USER}");
    let itself = format!("id = {ORGANIZATION}");
    let joined = format!(
        "{itself} OR EXISTS (SELECT 1 FROM memberships joined WHERE joined.organization_id = organizations.id
            AND joined.user_id = {USER})"
    );
    let own = format!("id = {USER}");
    let colleague = format!(
        "{own} OR EXISTS (SELECT 1 FROM memberships shared WHERE shared.organization_id = {ORGANIZATION}
            AND shared.user_id = users.id)"
    );
    [
        enable("organizations"),
        restrict_read("organizations", &joined),
        restrict_write("organizations", &itself),
        restrict_delete("organizations", &itself),
        grant("organizations", "SELECT, INSERT, UPDATE"),
        enable("memberships"),
        restrict_read("memberships", &tenant_or_own),
        restrict_write("memberships", &tenant),
        restrict_delete("memberships", &tenant_or_own),
        grant("memberships", "SELECT, INSERT, UPDATE, DELETE"),
        enable("projects"),
        restrict("projects", &tenant),
        grant("projects", "SELECT, INSERT, UPDATE, DELETE"),
        restrict_read("users", &colleague),
        restrict_write("users", &own),
        restrict_delete("users", &own),
    ]
    .concat()
}

fn look_ups() -> String {
    [
        look_up(
            "tenantry_credential_by_identifier(text, text)",
            "tenantry_credential_by_identifier(wanted_email_key text, wanted_username_key text)
                RETURNS TABLE (id uuid, email text, username text, full_name text, is_active boolean,
                    is_platform_admin boolean, must_change_password boolean, email_verified_at timestamptz,
                    epoch bigint, last_login_at timestamptz, created_at timestamptz, updated_at timestamptz,
                    deleted_at timestamptz, revision bigint, password_hash text)",
            "SELECT u.id, u.email, u.username, u.full_name, u.is_active, u.is_platform_admin, u.must_change_password,
                u.email_verified_at, u.epoch, u.last_login_at, u.created_at, u.updated_at, u.deleted_at, u.revision,
                c.password_hash
             FROM {schema}.users u JOIN {schema}.credentials c ON c.user_id = u.id
             WHERE (u.email_key = wanted_email_key OR u.username_key = wanted_username_key) AND u.deleted_at IS NULL",
        ),
        look_up(
            "tenantry_credential_of(uuid)",
            "tenantry_credential_of(wanted_user_id uuid) RETURNS TABLE (password_hash text)",
            &format!(
                "SELECT c.password_hash FROM {{schema}}.credentials c
                 WHERE c.user_id = wanted_user_id AND c.user_id = {USER}"
            ),
        ),
    ]
    .concat()
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        Script { both: UP, postgres: policies() + &look_ups(), ..Script::default() }.run(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        Script { both: DOWN, postgres: DROP_DEPENDENTS.to_owned(), ..Script::default() }.run_reversed(manager).await
    }
}
