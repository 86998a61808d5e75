//! The PostgreSQL roles that row-level security names.
//!
//! They belong to the whole cluster and not to one database, so no step makes or drops them. Neither can log in, owns
//! anything or bypasses policies; a connection takes one of them by its startup option `role`.
//!
//! The migrator may take both but never inherits their rights: it would be bound by the policies of `tenantry_app`, and
//! its back-fills and the look-up functions, which run with its rights, would silently see no rows.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, FromQueryResult, Statement, TransactionTrait,
};

/// The role of requests: bound to one tenant and user by restrictive policies.
pub const APP: &str = "tenantry_app";

/// The role of platform administration and sweepers: sees all tenants.
pub const PLATFORM: &str = "tenantry_platform";

/// PostgreSQL 16 is the first with inheritance by membership rather than by role.
const INHERITANCE_BY_MEMBERSHIP: i32 = 160_000;

/// How often to try again when another database of the cluster is set up at the same moment.
const ATTEMPTS: u32 = 5;

/// Why the roles could not be made ready.
#[derive(Debug)]
pub enum RolesError {
    /// The login may not do it; the SQL is for someone who may.
    NotAllowed {
        /// The statements to run by hand, as a superuser.
        sql: String,
        /// What the database answered.
        source: DbErr,
    },
    /// The database could not be asked.
    Database(DbErr),
}

impl std::fmt::Display for RolesError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotAllowed { sql, .. } => {
                write!(formatter, "this login can't make the database roles; run this as a superuser:\n{sql}")
            }
            Self::Database(_) => formatter.write_str("the database roles could not be checked"),
        }
    }
}

impl std::error::Error for RolesError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::NotAllowed { source, .. } | Self::Database(source) => Some(source),
        }
    }
}

impl From<DbErr> for RolesError {
    fn from(source: DbErr) -> Self {
        Self::Database(source)
    }
}

/// What the login is and may do.
#[derive(Debug, FromQueryResult)]
#[expect(clippy::struct_excessive_bools, reason = "a row of answers from the catalogue, each independent")]
struct Login {
    name: String,
    schema: String,
    version: i32,
    is_superuser: bool,
    inherits: bool,
    has_roles: bool,
    may_take_roles: bool,
    is_bound: bool,
    may_create: bool,
    owns_database: bool,
}

/// Makes `tenantry_app` and `tenantry_platform` where they are missing, lets this login take them without inheriting
/// them, and does nothing when all that is so already. On SQLite there is nothing to do.
///
/// # Errors
/// [`RolesError::NotAllowed`] with the SQL to run by hand when the login lacks CREATEROLE.
pub async fn ensure_roles(connection: &DatabaseConnection) -> Result<(), RolesError> {
    if connection.get_database_backend() != DbBackend::Postgres {
        return Ok(());
    }
    for attempt in 1.. {
        let login = describe_login(connection).await?;
        let sql = login.missing();
        if sql.is_empty() {
            return Ok(());
        }
        if let Err(source) = run(connection, &sql).await
            && (attempt == ATTEMPTS || !is_race(&source))
        {
            return Err(RolesError::NotAllowed { sql, source });
        }
    }
    Ok(())
}

impl Login {
    /// The statements that are still to be run, in order.
    fn missing(&self) -> String {
        let Self { name, schema, .. } = self;
        let mut sql = Vec::new();
        if !self.has_roles {
            sql.extend([APP, PLATFORM].map(create_role));
        }
        let by_membership = self.version >= INHERITANCE_BY_MEMBERSHIP;
        if !self.is_superuser && !by_membership && !self.may_create && self.owns_database {
            // A login without inheritance is not `pg_database_owner` by itself either, to whom the schema belongs.
            sql.push("SET LOCAL ROLE pg_database_owner".to_owned());
            sql.push(format!("GRANT CREATE, USAGE ON SCHEMA {schema} TO {name}"));
            sql.push("RESET ROLE".to_owned());
        }
        if !self.is_superuser && !by_membership && self.inherits {
            if self.owns_database && self.may_create {
                sql.push(format!("GRANT CREATE, USAGE ON SCHEMA {schema} TO {name}"));
            }
            sql.push(format!("ALTER ROLE {name} NOINHERIT"));
        }
        if !self.may_take_roles || (by_membership && self.is_bound && !self.is_superuser) {
            let options = if by_membership { " WITH INHERIT FALSE, SET TRUE" } else { "" };
            sql.push(format!("GRANT {APP}, {PLATFORM} TO {name}{options}"));
        }
        sql.iter().flat_map(|statement| [statement.as_str(), ";\n"]).collect()
    }
}

/// `CREATE ROLE` has no IF NOT EXISTS, and another database's migrator may be making the same one.
fn create_role(role: &str) -> String {
    format!(
        "DO $$ BEGIN CREATE ROLE {role} NOLOGIN NOINHERIT;
         EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
    )
}

async fn describe_login(connection: &DatabaseConnection) -> Result<Login, DbErr> {
    // Before PostgreSQL 16, MEMBER is the right to SET ROLE; MEMBER there includes what SET means since.
    let question = "
        WITH roles AS (SELECT oid FROM pg_catalog.pg_roles WHERE rolname IN ('tenantry_app', 'tenantry_platform')),
             version AS (SELECT current_setting('server_version_num')::int AS number)
        SELECT quote_ident(current_user) AS name, quote_ident(current_schema()) AS schema,
            (SELECT number FROM version) AS version,
            me.rolsuper AS is_superuser, me.rolinherit AS inherits,
            (SELECT count(*) = 2 FROM roles) AS has_roles,
            (SELECT count(*) = 2 AND bool_and(pg_has_role(current_user, oid,
                CASE WHEN (SELECT number FROM version) >= 160000 THEN 'SET' ELSE 'MEMBER' END)) FROM roles)
                AS may_take_roles,
            (SELECT coalesce(bool_or(pg_has_role(current_user, oid, 'USAGE')), false) FROM roles) AS is_bound,
            has_schema_privilege(current_user, current_schema(), 'CREATE') AS may_create,
            (SELECT datdba = me.oid FROM pg_catalog.pg_database WHERE datname = current_database()) AS owns_database
        FROM pg_catalog.pg_roles me WHERE me.rolname = current_user";
    let row = connection.query_one_raw(Statement::from_string(DbBackend::Postgres, question)).await?;
    let row = row.ok_or_else(|| DbErr::Migration("the login is not in pg_roles".to_owned()))?;
    Login::from_query_result(&row, "")
}

async fn run(connection: &DatabaseConnection, sql: &str) -> Result<(), DbErr> {
    let transaction = connection.begin().await?;
    transaction.execute_unprepared(sql).await?;
    transaction.commit().await
}

/// Two databases of one cluster set up at once change the same catalogue rows; PostgreSQL has no lock to take for that,
/// and answers the later one with a duplicate or "tuple concurrently updated".
fn is_race(error: &DbErr) -> bool {
    let text = error.to_string();
    text.contains("tuple concurrently") || text.contains("duplicate key value")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login() -> Login {
        Login {
            name: "owner".to_owned(),
            schema: "public".to_owned(),
            version: 160_004,
            is_superuser: false,
            inherits: true,
            has_roles: false,
            may_take_roles: false,
            is_bound: false,
            may_create: true,
            owns_database: true,
        }
    }

    #[test]
    fn since_16_the_membership_does_not_inherit() {
        let sql = login().missing();
        assert!(sql.contains("GRANT tenantry_app, tenantry_platform TO owner WITH INHERIT FALSE, SET TRUE;"), "{sql}");
        assert!(!sql.contains("ALTER ROLE"), "{sql}");
    }

    #[test]
    fn before_16_the_login_does_not_inherit_and_keeps_its_schema() {
        let sql = Login { version: 150_020, ..login() }.missing();
        assert!(sql.contains("GRANT CREATE, USAGE ON SCHEMA public TO owner;\nALTER ROLE owner NOINHERIT;"), "{sql}");
        assert!(sql.contains("GRANT tenantry_app, tenantry_platform TO owner;"), "{sql}");
    }

    #[test]
    fn nothing_is_done_twice() {
        let ready = Login { has_roles: true, may_take_roles: true, ..login() };
        assert_eq!(ready.missing(), "");
        let ready = Login { version: 150_020, inherits: false, ..ready };
        assert_eq!(ready.missing(), "");
    }
}
