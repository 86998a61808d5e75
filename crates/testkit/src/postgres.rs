//! Throwaway PostgreSQL databases for tests.
//!
//! `TEST_DATABASE_URL` names a login that may create databases and roles; without it, one server a test process is
//! started from installed binaries. A server that merely happens to run is never touched. Databases belong to a login
//! that is no superuser, since a superuser would hide every mistake in grants and row-level security.

mod server;

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::sync::{Mutex, OnceCell};
use url::Url;

use self::server::{Commits, ThrowawayServer};
use crate::environment;

/// Owns every test database: may log in, create databases and roles, and inherits nothing.
const MIGRATOR: &str = "tenantry_migrator";
/// Logs in for the application and has no rights but those of [`APP_ROLE`].
const APP_LOGIN: &str = "tenantry_app_login";
/// Logs in for platform administration and has no rights but those of [`PLATFORM_ROLE`].
const PLATFORM_LOGIN: &str = "tenantry_platform_login";
const APP_ROLE: &str = "tenantry_app";
const PLATFORM_ROLE: &str = "tenantry_platform";

const DATABASE_PREFIX: &str = "tenantry_test";
/// Databases that a killed test run left behind on a server named by the environment are dropped after this time.
const LEFTOVER_SECONDS: u64 = 3_600;

/// A PostgreSQL server for tests; one for the whole process.
#[derive(Debug)]
pub struct Cluster {
    /// The login that made the roles below, in a database that always exists.
    administrator: Url,
    /// Template databases by the name that tests give them.
    templates: Mutex<HashMap<String, String>>,
    /// Makes role changes one at a time: PostgreSQL refuses concurrent updates of one role.
    roles: Mutex<()>,
    /// Kept for its pipe: the server ends with it.
    server: Option<ThrowawayServer>,
}

/// A database of one test's own, dropped with this value.
#[derive(Debug)]
pub struct TestDatabase {
    /// As its owner: a login that is no superuser, with CREATEROLE, CREATEDB and NOINHERIT. For migrations.
    pub url: String,
    /// As an unprivileged login that is a member of `tenantry_app` alone, once that role exists.
    pub app_url: String,
    /// As an unprivileged login that is a member of `tenantry_platform` alone, once that role exists.
    pub platform_url: String,
    name: String,
    maintenance: String,
}

/// The server that tests use, started or connected to at the first call; `None` where there is none, which is said once
/// on stderr, and then the test returns early.
///
/// # Panics
/// If a server is there but can't be used, and if there is none while `CI` is `true`.
pub async fn cluster() -> Option<&'static Cluster> {
    static CLUSTER: OnceCell<Option<Cluster>> = OnceCell::const_new();
    CLUSTER.get_or_init(open).await.as_ref()
}

async fn open() -> Option<Cluster> {
    if let Some(url) = environment::variable("TEST_DATABASE_URL") {
        let administrator = Url::parse(&url).unwrap_or_else(|error| panic!("TEST_DATABASE_URL is no URL: {error}"));
        return Some(Cluster::prepare(administrator, None).await);
    }
    let Some(binaries) = server::installed_binaries(&environment::variable("PATH").unwrap_or_default()) else {
        announce_absence();
        return None;
    };
    Some(Cluster::throwaway(&binaries, Commits::Early).await)
}

fn announce_absence() {
    let message = "PostgreSQL tests are SKIPPED: TEST_DATABASE_URL is not set and no PostgreSQL is installed";
    assert!(environment::variable("CI").is_none_or(|value| value != "true"), "{message}");
    eprintln!("\n*** {message} ***\n");
}

impl Cluster {
    /// A server of one test's own, which may be killed; `None` where none is installed, whatever `TEST_DATABASE_URL`
    /// says. What it has answered to a commit outlives it.
    ///
    /// # Panics
    /// If one is installed but does not start.
    pub async fn mortal() -> Option<Self> {
        let binaries = server::installed_binaries(&environment::variable("PATH").unwrap_or_default());
        if binaries.is_none() {
            eprintln!("\n*** A test that kills PostgreSQL is SKIPPED: none is installed ***\n");
        }
        Some(Self::throwaway(&binaries?, Commits::Durable).await)
    }

    /// Kills all processes of a server that is [mortal](Cluster::mortal), at once.
    ///
    /// # Panics
    /// If it can't be killed.
    pub fn kill(&mut self) {
        let server = self.server.as_mut().unwrap_or_else(|| panic!("the server is somebody else's"));
        server.kill().unwrap_or_else(|error| panic!("killing PostgreSQL: {error}"));
    }

    /// Starts a server that was killed on what it left; blocks until it accepts connections.
    ///
    /// # Panics
    /// If it does not start.
    pub fn start_again(&mut self) {
        let server = self.server.as_mut().unwrap_or_else(|| panic!("the server is somebody else's"));
        server.start_again().unwrap_or_else(|error| panic!("{error}"));
    }

    async fn throwaway(binaries: &Path, commits: Commits) -> Self {
        let binaries = binaries.to_owned();
        let server = tokio::task::spawn_blocking(move || ThrowawayServer::start(&binaries, commits))
            .await
            .unwrap_or_else(|error| panic!("starting PostgreSQL: {error}"))
            .unwrap_or_else(|error| panic!("{error}"));
        let url = format!("postgres://postgres@127.0.0.1:{}/postgres", server.port);
        let url = Url::parse(&url).unwrap_or_else(|error| panic!("{url}: {error}"));
        Self::prepare(url, Some(server)).await
    }

    async fn prepare(administrator: Url, server: Option<ThrowawayServer>) -> Self {
        let is_shared = server.is_none();
        let cluster = Self { administrator, templates: Mutex::default(), roles: Mutex::default(), server };
        cluster.create_logins().await;
        if is_shared {
            cluster.drop_leftovers().await;
        }
        cluster
    }

    /// The logins get the administrator's own password, so that no server ends up with a login anybody knows.
    async fn create_logins(&self) {
        let password = self.administrator.password().map(percent_decode).unwrap_or_default();
        let password =
            if password.is_empty() { "NULL".to_owned() } else { format!("'{}'", password.replace('\'', "''")) };
        let mut connection = connect(self.administrator.as_str()).await;
        for (login, rights) in [
            (MIGRATOR, "CREATEROLE CREATEDB"),
            (APP_LOGIN, "NOCREATEROLE NOCREATEDB"),
            (PLATFORM_LOGIN, "NOCREATEROLE NOCREATEDB"),
        ] {
            let attributes = format!("LOGIN NOINHERIT {rights} PASSWORD {password}");
            // Serialised, since other test processes may share the server.
            execute(
                &mut connection,
                format!(
                    "BEGIN; SELECT pg_advisory_xact_lock(7263); DO $do$ BEGIN \
                     IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{login}') \
                     THEN ALTER ROLE {login} {attributes}; ELSE CREATE ROLE {login} {attributes}; END IF; \
                     END $do$; COMMIT"
                ),
            )
            .await;
        }
        close(connection).await;
    }

    /// An empty database. Its owner inherits nothing, so on PostgreSQL 15 and up it may not create in `public` before it
    /// has granted itself the right, which the migrations' `ensure_roles` does. Call [`Cluster::admit_logins`] once its migrations have made the group roles.
    ///
    /// # Panics
    /// If the server refuses.
    pub async fn create_database(&self) -> TestDatabase {
        self.create("template0").await
    }

    /// A copy of the template called `name`, which the first caller fills: `prepare` gets the owner's URL of an empty
    /// database. A copy takes tens of milliseconds, where migrating again takes seconds.
    ///
    /// # Panics
    /// If the server refuses, or `prepare` panics.
    pub async fn database_from_template(&self, name: &str, prepare: impl AsyncFnOnce(String)) -> TestDatabase {
        let template = self.template(name, prepare).await;
        self.create(&template).await
    }

    async fn template(&self, name: &str, prepare: impl AsyncFnOnce(String)) -> String {
        let mut templates = self.templates.lock().await;
        if let Some(template) = templates.get(name) {
            return template.clone();
        }
        let template = unique_name();
        let maintenance = self.url_of(MIGRATOR, None);
        let mut connection = connect(&maintenance).await;
        execute(&mut connection, format!("CREATE DATABASE {template} TEMPLATE template0")).await;
        prepare(self.url_of(MIGRATOR, Some(&template))).await;
        self.admit_logins().await;
        // A template can't be copied while anyone is connected, and dropped pools close only by and by.
        execute(&mut connection, format!("ALTER DATABASE {template} WITH ALLOW_CONNECTIONS false")).await;
        execute(
            &mut connection,
            format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{template}'"),
        )
        .await;
        close(connection).await;
        templates.insert(name.to_owned(), template.clone());
        template
    }

    /// Makes the unprivileged logins members of the group roles, as an operator would after the first migration.
    /// Group roles that don't exist yet are left out.
    ///
    /// # Panics
    /// If the server refuses.
    pub async fn admit_logins(&self) {
        let _one_at_a_time = self.roles.lock().await;
        let mut connection = connect(&self.url_of(MIGRATOR, None)).await;
        for (role, login) in [(APP_ROLE, APP_LOGIN), (PLATFORM_ROLE, PLATFORM_LOGIN)] {
            execute(
                &mut connection,
                format!(
                    "BEGIN; SELECT pg_advisory_xact_lock(7263); DO $do$ BEGIN \
                     IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN GRANT {role} TO {login}; END IF; \
                     END $do$; COMMIT"
                ),
            )
            .await;
        }
        close(connection).await;
    }

    async fn create(&self, template: &str) -> TestDatabase {
        let name = unique_name();
        let maintenance = self.url_of(MIGRATOR, None);
        let mut connection = connect(&maintenance).await;
        execute(&mut connection, format!("CREATE DATABASE {name} TEMPLATE {template}")).await;
        close(connection).await;
        TestDatabase {
            url: self.url_of(MIGRATOR, Some(&name)),
            app_url: self.url_of(APP_LOGIN, Some(&name)),
            platform_url: self.url_of(PLATFORM_LOGIN, Some(&name)),
            name,
            // The owner may not end the connections of the logins that serve requests.
            maintenance: self.administrator.to_string(),
        }
    }

    /// The administrator's URL with another login and, where given, another database.
    fn url_of(&self, login: &str, database: Option<&str>) -> String {
        let mut url = self.administrator.clone();
        assert!(url.set_username(login).is_ok(), "TEST_DATABASE_URL must name a host");
        if let Some(database) = database {
            url.set_path(database);
        }
        url.into()
    }

    async fn drop_leftovers(&self) {
        let mut connection = connect(&self.url_of(MIGRATOR, None)).await;
        let query = "SELECT datname FROM pg_database WHERE pg_get_userbyid(datdba) = current_user";
        let names: Vec<String> = sqlx::query_scalar(query)
            .fetch_all(&mut connection)
            .await
            .unwrap_or_else(|error| panic!("looking for left-over test databases: {error}"));
        let now = seconds_since_epoch();
        for name in names.iter().filter(|name| is_leftover(name, now)) {
            // Another process may be dropping it too, or still use it: either way it isn't ours to insist.
            let dropped = sqlx::raw_sql(AssertSqlSafe(format!("DROP DATABASE IF EXISTS {name}")));
            drop(dropped.execute(&mut connection).await);
        }
        close(connection).await;
    }
}

impl Drop for TestDatabase {
    /// On a thread with a runtime of its own: the test's runtime may be shutting down, and `drop` can't wait for it.
    fn drop(&mut self) {
        let statement = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        let maintenance = self.maintenance.clone();
        let dropping = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.unwrap_or_else(|error| panic!("a runtime to drop a test database: {error}"));
            runtime.block_on(async {
                let mut connection = connect(&maintenance).await;
                execute(&mut connection, statement).await;
                close(connection).await;
            });
        });
        // The thread has said on stderr what failed; a panic here would hide the test's own outcome.
        drop(dropping.join());
    }
}

async fn connect(url: &str) -> PgConnection {
    PgConnection::connect(url).await.unwrap_or_else(|error| panic!("connecting to the test server: {error}"))
}

async fn execute(connection: &mut PgConnection, statement: String) {
    // Every name in it is one of ours: constants, digits and underscores.
    let outcome = sqlx::raw_sql(AssertSqlSafe(statement)).execute(connection).await;
    outcome.unwrap_or_else(|error| panic!("preparing a test database: {error}"));
}

async fn close(connection: PgConnection) {
    // It has done its work; a server that hangs up first changes nothing.
    drop(connection.close().await);
}

/// Unique over processes that share a server, and tells when it was made.
fn unique_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{DATABASE_PREFIX}_{}_{}_{number}", seconds_since_epoch(), std::process::id())
}

fn is_leftover(name: &str, now: u64) -> bool {
    let made = name.strip_prefix(DATABASE_PREFIX).and_then(|rest| rest.split('_').nth(1)?.parse::<u64>().ok());
    made.is_some_and(|made| made.saturating_add(LEFTOVER_SECONDS) < now)
}

#[expect(clippy::disallowed_methods, reason = "names databases by their age on a server that outlives every test")]
fn seconds_since_epoch() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs())
}

fn percent_decode(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_old_test_databases_are_left_over() {
        assert!(is_leftover("tenantry_test_1000_77_1", 1_000 + LEFTOVER_SECONDS + 1));
        assert!(!is_leftover("tenantry_test_1000_77_1", 1_000 + LEFTOVER_SECONDS));
        assert!(!is_leftover("tenantry_production", u64::MAX));
        assert!(!is_leftover("tenantry_test", u64::MAX));
    }

    #[tokio::test]
    async fn a_database_is_empty_and_its_owner_is_no_superuser() {
        let Some(cluster) = cluster().await else { return };
        let database = cluster.create_database().await;
        let mut connection = connect(&database.url).await;
        let (superuser, bypass, owner): (bool, bool, bool) = sqlx::query_as(
            "SELECT rolsuper, rolbypassrls, pg_get_userbyid(datdba) = current_user \
             FROM pg_roles, pg_database WHERE rolname = current_user AND datname = current_database()",
        )
        .fetch_one(&mut connection)
        .await
        .unwrap();
        assert_eq!((superuser, bypass, owner), (false, false, true));
        let tables: i64 = sqlx::query_scalar("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
            .fetch_one(&mut connection)
            .await
            .unwrap();
        assert_eq!(tables, 0);
    }

    #[tokio::test]
    async fn a_template_is_prepared_once_and_its_copies_are_apart() {
        let Some(cluster) = cluster().await else { return };
        let prepare = async |url: String| {
            let mut connection = connect(&url).await;
            execute(&mut connection, "CREATE SCHEMA stock CREATE TABLE item (id int)".to_owned()).await;
        };
        let first = cluster.database_from_template("items", prepare).await;
        let second =
            cluster.database_from_template("items", async |_| panic!("the template was prepared before")).await;
        execute(&mut connect(&first.url).await, "INSERT INTO stock.item VALUES (1)".to_owned()).await;
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM stock.item")
            .fetch_one(&mut connect(&second.url).await)
            .await
            .unwrap();
        assert_eq!(count, 0);
    }

    #[tokio::test]
    async fn an_unprivileged_login_may_take_its_group_role_only() {
        let Some(cluster) = cluster().await else { return };
        let database = cluster.create_database().await;
        let mut owner = connect(&database.url).await;
        for role in [APP_ROLE, PLATFORM_ROLE] {
            let create = format!("CREATE ROLE {role} NOLOGIN NOINHERIT");
            // The role may be there already: roles belong to the whole server.
            drop(sqlx::raw_sql(AssertSqlSafe(create)).execute(&mut owner).await);
        }
        cluster.admit_logins().await;
        let mut app = connect(&database.app_url).await;
        execute(&mut app, format!("SET ROLE {APP_ROLE}")).await;
        assert!(sqlx::raw_sql("SET ROLE tenantry_platform").execute(&mut app).await.is_err());
        let mut platform = connect(&database.platform_url).await;
        execute(&mut platform, format!("SET ROLE {PLATFORM_ROLE}")).await;
        assert!(sqlx::raw_sql("CREATE TABLE stray (id int)").execute(&mut platform).await.is_err());
    }

    #[tokio::test]
    async fn a_mortal_server_is_back_with_what_it_has_answered() {
        let Some(mut cluster) = Cluster::mortal().await else { return };
        let database = cluster.create_database().await;
        let mut connection = connect(&database.url).await;
        execute(&mut connection, "CREATE SCHEMA stock CREATE TABLE item (id int)".to_owned()).await;
        for round in 1..=3_i64 {
            let mut connection = connect(&database.url).await;
            execute(&mut connection, "INSERT INTO stock.item VALUES (1)".to_owned()).await;
            cluster.kill();
            assert!(sqlx::raw_sql("SELECT 1").execute(&mut connection).await.is_err());
            assert!(PgConnection::connect(&database.url).await.is_err());
            cluster.start_again();
            let count = "SELECT count(*) FROM stock.item";
            let count: i64 = sqlx::query_scalar(count).fetch_one(&mut connect(&database.url).await).await.unwrap();
            assert_eq!(count, round);
        }
    }

    #[tokio::test]
    async fn a_dropped_database_is_gone() {
        let Some(cluster) = cluster().await else { return };
        let database = cluster.create_database().await;
        let (name, maintenance) = (database.name.clone(), database.maintenance.clone());
        let _still_open = connect(&database.url).await;
        drop(database);
        let left: i64 = sqlx::query_scalar("SELECT count(*) FROM pg_database WHERE datname = $1")
            .bind(name)
            .fetch_one(&mut connect(&maintenance).await)
            .await
            .unwrap();
        assert_eq!(left, 0);
    }
}
