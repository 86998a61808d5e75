//! Databases with the current schema, one a test.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;
use tenantry_store::{Database as Migrator, DatabaseUrl, SqlPool, StoreOptions};
use tenantry_testkit::postgres::{Cluster, TestDatabase, cluster};
use tokio::sync::OnceCell;

/// An empty, migrated database, gone with this value.
pub enum Database {
    Sqlite(TempDir),
    Postgres(TestDatabase),
}

impl Database {
    pub async fn sqlite() -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::copy(sqlite_template().await, directory.path().join("tenantry.db")).unwrap();
        Self::Sqlite(directory)
    }

    /// None where there is no PostgreSQL. Its logins are those of production: none of them owns a table.
    pub async fn postgres() -> Option<Self> {
        Some(Self::on(cluster().await?).await)
    }

    /// The same on this server.
    pub async fn on(cluster: &Cluster) -> Self {
        let migrate = async |url: String| {
            let directory = tempfile::tempdir().unwrap();
            migrate(directory.path(), &[("DATABASE_URL", url.as_str())]);
        };
        Self::Postgres(cluster.database_from_template("api", migrate).await)
    }

    /// The texts that a query answers, of all tenants.
    pub async fn texts(&self, sql: &'static str) -> Vec<String> {
        let url = match self {
            Self::Sqlite(directory) => format!("sqlite://{}", directory.path().join("tenantry.db").display()),
            Self::Postgres(database) => database.url.clone(),
        };
        match Migrator::migrator_pool(&StoreOptions::new(DatabaseUrl::parse(&url).unwrap())).unwrap() {
            SqlPool::Postgres(pool) => sqlx::query_scalar(sql).fetch_all(&pool).await.unwrap(),
            SqlPool::Sqlite(pool) => sqlx::query_scalar(sql).fetch_all(&pool).await.unwrap(),
        }
    }

    /// The settings that lead to it.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Sqlite(directory) => {
                let file = directory.path().join("tenantry.db");
                vec![("DATABASE_URL", format!("sqlite://{}", file.display()))]
            }
            Self::Postgres(database) => vec![
                ("DATABASE_URL", database.app_url.clone()),
                ("TENANTRY__DATABASE__PLATFORM_URL", database.platform_url.clone()),
                ("TENANTRY__DATABASE__POOL_SIZE", "4".to_owned()),
                ("TENANTRY__DATABASE__POOL_OVERFLOW", "4".to_owned()),
            ],
        }
    }
}

/// A migrated file to copy: migrating takes longer than most tests.
async fn sqlite_template() -> PathBuf {
    static TEMPLATE: OnceCell<TempDir> = OnceCell::const_new();
    let make = async || {
        let directory = tempfile::tempdir().unwrap();
        migrate(directory.path(), &[]);
        directory
    };
    TEMPLATE.get_or_init(make).await.path().join("data/tenantry.db")
}

/// Runs `tenantry migrate up`, as an operator does.
fn migrate(directory: &Path, variables: &[(&str, &str)]) {
    let output = Command::new(env!("CARGO_BIN_EXE_tenantry"))
        .env_clear()
        .envs(variables.iter().copied())
        .current_dir(directory)
        .args(["migrate", "up"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
