use sqlx::postgres::PgPool;
use tenantry_kernel::StorageError;

use crate::Database;
use crate::error::storage_sqlx;

/// Why the server must not start with the connection it was given. Each message is one sentence for the operator.
#[derive(Debug, thiserror::Error)]
pub enum RoleError {
    /// The role of requests' connections is not bound by row-level security.
    #[error("the database role {role} could bypass row-level security, because it {reason}")]
    RoleBypasses {
        /// The role in effect.
        role: String,
        /// What it is or owns.
        reason: &'static str,
    },
    /// The login could take more rights than its role has.
    #[error(
        "the database login {login} could bypass row-level security, because it {reason}; in production give \
         `database.url` an unprivileged login and name the others in `database.migration_url` and \
         `database.platform_url`"
    )]
    LoginBypasses {
        /// The login.
        login: String,
        /// What it is, owns or may become.
        reason: &'static str,
    },
    /// The tables are not there, so nothing can be said about them.
    #[error("the database has no tables yet; run `tenantry migrate up` first")]
    NotMigrated,
    /// The database could not be asked.
    #[error("the database role could not be checked")]
    Storage(#[from] StorageError),
}

/// How much to ask of the login behind the role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginCheck {
    /// One login may serve requests, the platform and migrations: for development and tests.
    Shared,
    /// The login of requests must have no rights but those of its role: for production.
    Unprivileged,
}

struct Privileges {
    name: String,
    is_superuser: bool,
    bypasses: bool,
    owns_tables: Option<bool>,
    may_become_platform: Option<bool>,
}

/// Makes sure that what requests send to PostgreSQL is bound by row-level security. SQLite has none: there the scope
/// layer is the only wall, and this does nothing.
///
/// # Errors
/// [`RoleError`], after which the server must not serve.
pub async fn check_role(database: &Database, login: LoginCheck) -> Result<(), RoleError> {
    let Some(pool) = database.postgres_app() else { return Ok(()) };
    let role = privileges(pool, CURRENT_USER).await?;
    if role.owns_tables.is_none() {
        return Err(RoleError::NotMigrated);
    }
    // The role belongs to no login, so only what it is itself counts.
    if let Some(reason) = role.reason() {
        return Err(RoleError::RoleBypasses { role: role.name, reason });
    }
    if login == LoginCheck::Shared {
        return Ok(());
    }
    let login = privileges(pool, SESSION_USER).await?;
    match login.reason().or_else(|| login.platform_reason()) {
        Some(reason) => Err(RoleError::LoginBypasses { login: login.name, reason }),
        None => Ok(()),
    }
}

impl Privileges {
    fn reason(&self) -> Option<&'static str> {
        if self.is_superuser {
            Some("is a superuser")
        } else if self.bypasses {
            Some("has BYPASSRLS")
        } else if self.owns_tables == Some(true) {
            Some("owns the tables, or may take the role that does")
        } else {
            None
        }
    }

    fn platform_reason(&self) -> Option<&'static str> {
        self.may_become_platform.unwrap_or_default().then_some("is a member of tenantry_platform")
    }
}

async fn privileges(pool: &PgPool, question: &'static str) -> Result<Privileges, StorageError> {
    let row: (String, bool, bool, Option<bool>, Option<bool>) =
        sqlx::query_as(question).fetch_one(pool).await.map_err(storage_sqlx)?;
    let (name, is_superuser, bypasses, owns_tables, may_become_platform) = row;
    Ok(Privileges { name, is_superuser, bypasses, owns_tables, may_become_platform })
}

macro_rules! privileges_of {
    ($who:literal) => {
        concat!(
            "SELECT me.rolname::text AS name, me.rolsuper AS is_superuser, me.rolbypassrls AS bypasses,
                (SELECT bool_or(pg_has_role(me.oid, c.relowner, 'MEMBER')) FROM pg_catalog.pg_class c
                 WHERE c.relkind = 'r' AND c.relname IN ('users', 'organizations', 'tasks')
                 AND c.relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = current_schema()))
                 AS owns_tables,
                (SELECT bool_or(pg_has_role(me.oid, p.oid, 'MEMBER')) FROM pg_catalog.pg_roles p
                 WHERE p.rolname = 'tenantry_platform') AS may_become_platform
             FROM pg_catalog.pg_roles me WHERE me.rolname = ",
            $who
        )
    };
}

const CURRENT_USER: &str = privileges_of!("current_user");
const SESSION_USER: &str = privileges_of!("session_user");
