//! Accounts, their passwords, login sessions, and the revocations that nodes tell one another.

use sea_orm_migration::prelude::*;

use crate::policies::{USER, enable, grant, restrict};
use crate::sql::Script;

#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &str = "
CREATE TABLE users (
    id {uuid} NOT NULL PRIMARY KEY,
    email TEXT NOT NULL,
    email_key TEXT NOT NULL,
    username TEXT NOT NULL,
    username_key TEXT NOT NULL,
    full_name TEXT,
    is_active {bool} NOT NULL,
    is_platform_admin {bool} NOT NULL,
    must_change_password {bool} NOT NULL,
    email_verified_at {time},
    epoch {int} NOT NULL,
    last_login_at {time},
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL,
    deleted_at {time},
    revision {int} NOT NULL
) {strict};

CREATE TABLE credentials (
    user_id {uuid} NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    password_hash TEXT NOT NULL,
    updated_at {time} NOT NULL
) {strict};

CREATE TABLE sessions (
    id {uuid} NOT NULL PRIMARY KEY,
    user_id {uuid} NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    organization_id {uuid} NOT NULL,
    generation {int} NOT NULL,
    recent_rotations {json} NOT NULL,
    user_agent TEXT,
    ip_address TEXT,
    created_at {time} NOT NULL,
    last_seen_at {time} NOT NULL,
    expires_at {time} NOT NULL,
    revoked_at {time}
) {strict};
CREATE INDEX sessions_by_user ON sessions (user_id, created_at);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

CREATE TABLE revocations (
    id {uuid} NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('session', 'user', 'membership')),
    user_id {uuid} NOT NULL,
    session_id {uuid},
    organization_id {uuid},
    epoch {int} NOT NULL,
    occurred_at {time} NOT NULL,
    expires_at {time} NOT NULL
) {strict};
CREATE INDEX revocations_by_occurrence ON revocations (occurred_at);
CREATE INDEX revocations_by_expiry ON revocations (expires_at);
";

/// When both keys are taken, the e-mail address is to be named: PostgreSQL checks the oldest index first.
const KEYS_ON_POSTGRES: &str = "
CREATE UNIQUE INDEX users_email_key ON users (email_key);
CREATE UNIQUE INDEX users_username_key ON users (username_key);
";

/// SQLite checks the newest index first.
const KEYS_ON_SQLITE: &str = "
CREATE UNIQUE INDEX users_username_key ON users (username_key);
CREATE UNIQUE INDEX users_email_key ON users (email_key);
";

const DOWN: &str = "
DROP TABLE revocations;
DROP TABLE sessions;
DROP TABLE credentials;
DROP TABLE users;
";

/// The policies of `users` look at memberships, and come with them. The password hash is readable through look-up
/// functions only, so `tenantry_app` may select the key of a credential and nothing else.
fn policies() -> String {
    let own = format!("user_id = {USER}");
    [
        "GRANT SELECT ON seaql_migrations TO tenantry_app, tenantry_platform;\n".to_owned(),
        enable("users"),
        grant("users", "SELECT, INSERT, UPDATE"),
        enable("credentials"),
        restrict("credentials", &own),
        grant("credentials", "SELECT (user_id), INSERT, UPDATE"),
        enable("sessions"),
        restrict("sessions", &own),
        grant("sessions", "SELECT, INSERT, UPDATE"),
        enable("revocations"),
        grant("revocations", "SELECT, INSERT"),
    ]
    .concat()
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        Script { both: UP, postgres: KEYS_ON_POSTGRES.to_owned() + &policies(), sqlite: KEYS_ON_SQLITE }
            .run(manager)
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        Script { both: DOWN, ..Script::default() }.run(manager).await
    }
}
