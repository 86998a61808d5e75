//! Row-level security, written once for all tables.
//!
//! Each table has permissive policies that let everything through for the owner (whose rights the look-up functions
//! have, and to whom FORCE applies), for `tenantry_app` and for `tenantry_platform`; and restrictive ones for
//! `tenantry_app` alone. A restrictive policy can't be widened by a later permissive one; one to PUBLIC would blind the
//! owner and the platform too.

/// The organisation that the transaction acts for; null, and so equal to nothing, when it acts for none. The
/// sub-select makes PostgreSQL evaluate it once a statement rather than once a row.
pub const ORGANIZATION: &str = "NULLIF((SELECT current_setting('app.organization_id', true)), '')::uuid";

/// The user that the transaction acts for.
pub const USER: &str = "NULLIF((SELECT current_setting('app.user_id', true)), '')::uuid";

/// Turns row-level security on, for the owner too, and lets through what no restrictive policy forbids.
pub fn enable(table: &str) -> String {
    format!(
        "ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
         ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
         CREATE POLICY {table}_owner ON {table} TO CURRENT_USER USING (true) WITH CHECK (true);
         CREATE POLICY {table}_open ON {table} TO tenantry_app, tenantry_platform USING (true) WITH CHECK (true);
         GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO tenantry_platform;\n"
    )
}

/// Lets `tenantry_app` read and write only the rows for which `rule` holds.
pub fn restrict(table: &str, rule: &str) -> String {
    format!(
        "CREATE POLICY {table}_bounds ON {table} AS RESTRICTIVE TO tenantry_app USING ({rule}) WITH CHECK ({rule});\n"
    )
}

/// Lets `tenantry_app` read the rows for which `rule` holds; writing has a rule of its own.
pub fn restrict_read(table: &str, rule: &str) -> String {
    format!("CREATE POLICY {table}_read ON {table} AS RESTRICTIVE FOR SELECT TO tenantry_app USING ({rule});\n")
}

/// Lets `tenantry_app` insert and update only rows for which `rule` holds, before and after.
pub fn restrict_write(table: &str, rule: &str) -> String {
    format!(
        "CREATE POLICY {table}_insert ON {table} AS RESTRICTIVE FOR INSERT TO tenantry_app WITH CHECK ({rule});
         CREATE POLICY {table}_update ON {table} AS RESTRICTIVE FOR UPDATE TO tenantry_app
            USING ({rule}) WITH CHECK ({rule});\n"
    )
}

/// Lets `tenantry_app` delete only the rows for which `rule` holds.
pub fn restrict_delete(table: &str, rule: &str) -> String {
    format!("CREATE POLICY {table}_delete ON {table} AS RESTRICTIVE FOR DELETE TO tenantry_app USING ({rule});\n")
}

/// Gives `tenantry_app` the commands named, such as `SELECT, INSERT`.
pub fn grant(table: &str, commands: &str) -> String {
    format!("GRANT {commands} ON {table} TO tenantry_app;\n")
}

/// Makes a look-up function that runs with the owner's rights and that only `tenantry_app` may call. `signature` is
/// its name and argument types, which the definition repeats with names.
pub fn look_up(signature: &str, definition: &str, body: &str) -> String {
    format!(
        "CREATE OR REPLACE FUNCTION {definition} LANGUAGE sql STABLE SECURITY DEFINER
            SET search_path = pg_catalog, pg_temp AS $body$ {body} $body$;
         REVOKE ALL ON FUNCTION {signature} FROM PUBLIC;
         GRANT EXECUTE ON FUNCTION {signature} TO tenantry_app;\n"
    )
}
