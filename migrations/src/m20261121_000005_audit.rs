//! The audit log, append-only, and the hash chains that show whether it is.

use sea_orm_migration::prelude::*;

use crate::policies::{ORGANIZATION, USER, enable, grant, restrict, restrict_delete, restrict_read};
use crate::sql::Script;

#[derive(DeriveMigrationName)]
pub struct Migration;

/// No row refers to another table: an entry outlives what it tells of.
const UP: &str = "
CREATE TABLE audit_log (
    id {uuid} NOT NULL PRIMARY KEY,
    occurred_at {time} NOT NULL,
    organization_id {uuid},
    actor_id {uuid},
    actor_type TEXT NOT NULL CHECK (actor_type IN ('user', 'api_key', 'platform', 'system')),
    action TEXT NOT NULL,
    target_type TEXT,
    target_id {uuid},
    outcome TEXT NOT NULL CHECK (outcome IN ('success', 'denied', 'failure')),
    ip_address TEXT,
    request_id TEXT,
    data {json} NOT NULL
) {strict};
CREATE INDEX audit_log_by_time ON audit_log (organization_id, occurred_at, id);
CREATE TABLE audit_queue (
    entry_id {uuid} NOT NULL PRIMARY KEY,
    chain_id {uuid} NOT NULL
) {strict};
CREATE INDEX audit_queue_by_chain ON audit_queue (chain_id, entry_id);
CREATE TABLE audit_links (
    chain_id {uuid} NOT NULL,
    position {int} NOT NULL,
    entry_id {uuid} NOT NULL UNIQUE,
    hash {bytes} NOT NULL,
    PRIMARY KEY (chain_id, position)
) {strict};
CREATE TABLE audit_heads (
    chain_id {uuid} NOT NULL PRIMARY KEY,
    position {int} NOT NULL,
    hash {bytes} NOT NULL,
    expired_position {int} NOT NULL,
    expired_hash {bytes} NOT NULL,
    seal {bytes} NOT NULL
) {strict};
";

const DOWN: &str = "
DROP TABLE audit_heads;
DROP TABLE audit_links;
DROP TABLE audit_queue;
DROP TABLE audit_log;
";

/// SQLite has no rights to revoke, so triggers alone keep the log as it is. What its chain calls expired may go.
const SQLITE: &str = "
CREATE TRIGGER audit_log_queued AFTER INSERT ON audit_log BEGIN
    INSERT INTO audit_queue (entry_id, chain_id) VALUES (NEW.id, COALESCE(NEW.organization_id, zeroblob(16)));
END;
CREATE TRIGGER audit_log_unchanged BEFORE UPDATE ON audit_log BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;
CREATE TRIGGER audit_log_kept BEFORE DELETE ON audit_log
WHEN NOT EXISTS (SELECT 1 FROM audit_links l JOIN audit_heads h ON h.chain_id = l.chain_id
    WHERE l.entry_id = OLD.id AND l.position <= h.expired_position) BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;
CREATE TRIGGER audit_links_unchanged BEFORE UPDATE ON audit_links BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;
CREATE TRIGGER audit_links_kept BEFORE DELETE ON audit_links
WHEN NOT EXISTS (SELECT 1 FROM audit_heads h WHERE h.chain_id = OLD.chain_id AND OLD.position <= h.expired_position) BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;
";

/// Nobody but the function that removes what has expired may delete. Rights could be granted again; the triggers bind
/// whoever has them.
const POSTGRES: &str = "
CREATE FUNCTION tenantry_audit_queue() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
    INSERT INTO {schema}.audit_queue (entry_id, chain_id)
        VALUES (NEW.id, COALESCE(NEW.organization_id, '00000000-0000-0000-0000-000000000000'));
    RETURN NULL;
END $body$;
CREATE FUNCTION tenantry_audit_keep() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
    RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'insufficient_privilege';
END $body$;
CREATE FUNCTION tenantry_audit_keep_entry() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
    IF EXISTS (SELECT FROM {schema}.audit_links l JOIN {schema}.audit_heads h ON h.chain_id = l.chain_id
        WHERE l.entry_id = OLD.id AND l.position <= h.expired_position) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'insufficient_privilege';
END $body$;
CREATE FUNCTION tenantry_audit_keep_link() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
    IF EXISTS (SELECT FROM {schema}.audit_heads h
        WHERE h.chain_id = OLD.chain_id AND OLD.position <= h.expired_position) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'insufficient_privilege';
END $body$;
CREATE FUNCTION tenantry_audit_expire(chain uuid) RETURNS void LANGUAGE sql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp AS $body$
    DELETE FROM {schema}.audit_log a USING {schema}.audit_links l, {schema}.audit_heads h
        WHERE h.chain_id = $1 AND l.chain_id = h.chain_id AND l.position <= h.expired_position AND a.id = l.entry_id;
    DELETE FROM {schema}.audit_links l USING {schema}.audit_heads h
        WHERE h.chain_id = $1 AND l.chain_id = h.chain_id AND l.position <= h.expired_position;
$body$;
REVOKE ALL ON FUNCTION tenantry_audit_queue(), tenantry_audit_keep(), tenantry_audit_keep_entry(),
    tenantry_audit_keep_link(), tenantry_audit_expire(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tenantry_audit_expire(uuid) TO tenantry_platform;
CREATE TRIGGER audit_log_queued AFTER INSERT ON audit_log FOR EACH ROW EXECUTE FUNCTION tenantry_audit_queue();
CREATE TRIGGER audit_log_unchanged BEFORE UPDATE ON audit_log FOR EACH ROW EXECUTE FUNCTION tenantry_audit_keep();
CREATE TRIGGER audit_log_kept BEFORE DELETE ON audit_log FOR EACH ROW EXECUTE FUNCTION tenantry_audit_keep_entry();
CREATE TRIGGER audit_log_whole BEFORE TRUNCATE ON audit_log FOR EACH STATEMENT EXECUTE FUNCTION tenantry_audit_keep();
CREATE TRIGGER audit_links_unchanged BEFORE UPDATE ON audit_links FOR EACH ROW EXECUTE FUNCTION tenantry_audit_keep();
CREATE TRIGGER audit_links_kept BEFORE DELETE ON audit_links FOR EACH ROW EXECUTE FUNCTION tenantry_audit_keep_link();
CREATE TRIGGER audit_links_whole BEFORE TRUNCATE ON audit_links
    FOR EACH STATEMENT EXECUTE FUNCTION tenantry_audit_keep();
REVOKE UPDATE, DELETE ON audit_log, audit_links FROM tenantry_platform;
";

/// With the triggers that use them.
const DROP_FUNCTIONS: &str = "
DROP FUNCTION tenantry_audit_expire(uuid);
DROP FUNCTION tenantry_audit_keep_link() CASCADE;
DROP FUNCTION tenantry_audit_keep_entry() CASCADE;
DROP FUNCTION tenantry_audit_keep() CASCADE;
DROP FUNCTION tenantry_audit_queue() CASCADE;
";

fn policies() -> String {
    let in_own_log = format!(
        "organization_id IS NULL OR organization_id = {ORGANIZATION}
         OR EXISTS (SELECT 1 FROM memberships own WHERE own.organization_id = audit_log.organization_id
            AND own.user_id = {USER})"
    );
    let in_own_name = format!("actor_id IS NULL OR actor_id = {USER} OR actor_type = 'api_key'");
    let write = format!(
        "CREATE POLICY audit_log_insert ON audit_log AS RESTRICTIVE FOR INSERT TO tenantry_app
            WITH CHECK (({in_own_log}) AND ({in_own_name}));
         CREATE POLICY audit_log_update ON audit_log AS RESTRICTIVE FOR UPDATE TO tenantry_app USING (false);\n"
    );
    [
        enable("audit_log"),
        restrict_read("audit_log", &format!("organization_id = {ORGANIZATION}")),
        write,
        restrict_delete("audit_log", "false"),
        grant("audit_log", "SELECT, INSERT"),
        // The chains are the platform's; the trigger that queues an entry has the owner's rights.
        enable("audit_queue"),
        restrict("audit_queue", "false"),
        enable("audit_links"),
        restrict("audit_links", "false"),
        enable("audit_heads"),
        restrict("audit_heads", "false"),
    ]
    .concat()
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        Script { both: UP, postgres: policies() + POSTGRES, sqlite: SQLITE }.run(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        Script { both: DOWN, postgres: DROP_FUNCTIONS.to_owned(), ..Script::default() }.run_reversed(manager).await
    }
}
