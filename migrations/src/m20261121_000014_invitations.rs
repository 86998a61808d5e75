//! Invitations to join an organisation.

use sea_orm_migration::prelude::*;

use crate::policies::{ORGANIZATION, enable, grant, look_up, restrict};
use crate::sql::Script;

#[derive(DeriveMigrationName)]
pub struct Migration;

/// An address has at most one invitation to an organisation that was not accepted.
const UP: &str = "
CREATE TABLE invitations (
    organization_id {uuid} NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id {uuid} NOT NULL,
    email TEXT NOT NULL,
    email_key TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('OWNER', 'ADMIN', 'MEMBER', 'GUEST')),
    token_digest {bytes} NOT NULL,
    invited_by {uuid} NOT NULL REFERENCES users (id),
    created_at {time} NOT NULL,
    expires_at {time} NOT NULL,
    accepted_at {time},
    revision {int} NOT NULL,
    PRIMARY KEY (organization_id, id)
) {strict};
CREATE UNIQUE INDEX invitations_by_token ON invitations (token_digest);
CREATE UNIQUE INDEX invitations_pending ON invitations (organization_id, email_key) WHERE accepted_at IS NULL;
CREATE INDEX invitations_by_creation ON invitations (organization_id, created_at, id);
CREATE INDEX invitations_by_expiry ON invitations (expires_at);
";

const DOWN: &str = "DROP TABLE invitations;";

const DROP_LOOK_UP: &str = "DROP FUNCTION tenantry_invitation(bytea);";

fn policies() -> String {
    let tenant = format!("organization_id = {ORGANIZATION}");
    [enable("invitations"), restrict("invitations", &tenant), grant("invitations", "SELECT, INSERT, UPDATE, DELETE")]
        .concat()
}

fn look_ups() -> String {
    look_up(
        "tenantry_invitation(bytea)",
        "tenantry_invitation(wanted_token_digest bytea)
            RETURNS TABLE (organization_id uuid, id uuid, email text, role text, invited_by uuid,
                created_at timestamptz, expires_at timestamptz, accepted_at timestamptz, revision bigint,
                organization_name text, is_open boolean, account_exists boolean)",
        "SELECT i.organization_id, i.id, i.email, i.role, i.invited_by, i.created_at, i.expires_at, i.accepted_at,
            i.revision, o.name, o.is_active AND o.deleted_at IS NULL,
            EXISTS (SELECT 1 FROM {schema}.users u WHERE u.email_key = i.email_key)
         FROM {schema}.invitations i JOIN {schema}.organizations o ON o.id = i.organization_id
         WHERE i.token_digest = wanted_token_digest",
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
