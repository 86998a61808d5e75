//! Databases of the benchmark's own: files in a temporary folder, or databases in a throwaway PostgreSQL server.

use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tenantry_testkit::postgres::{Cluster, TestDatabase, cluster};

use crate::arguments::Kind;
use crate::bare;
use crate::error::Result;
use crate::task::Task;

/// A place for one server's rows, and those of the bare handlers beside it. It goes with this value.
#[derive(Debug)]
pub struct Database {
    pub kind: Kind,
    directory: TempDir,
    postgres: Option<Postgres>,
}

#[derive(Debug)]
struct Postgres {
    cluster: &'static Cluster,
    database: TestDatabase,
}

impl Database {
    /// An empty one; `None` where there is no PostgreSQL.
    pub async fn create(kind: Kind) -> Result<Option<Self>> {
        let directory = tempfile::Builder::new().prefix("tenantry-bench-").tempdir()?;
        if kind == Kind::Sqlite {
            return Ok(Some(Self { kind, directory, postgres: None }));
        }
        let Some(cluster) = cluster().await else { return Ok(None) };
        let database = cluster.create_database().await;
        Ok(Some(Self { kind, directory, postgres: Some(Postgres { cluster, database }) }))
    }

    /// A folder for the files of a server that uses it.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// What tells a server in production to use it.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let Some(Postgres { database, .. }) = &self.postgres else {
            return vec![
                ("DATABASE_URL", format!("sqlite://{}", self.file().display())),
                ("TENANTRY__DATABASE__ALLOW_SQLITE", "true".to_owned()),
            ];
        };
        vec![
            ("DATABASE_URL", database.app_url.clone()),
            ("TENANTRY__DATABASE__MIGRATION_URL", database.url.clone()),
            ("TENANTRY__DATABASE__PLATFORM_URL", database.platform_url.clone()),
        ]
    }

    /// The file of the server's rows, on SQLite.
    pub fn file(&self) -> PathBuf {
        self.directory().join("tenantry.db")
    }

    /// The URL of the owner of the server's rows, on PostgreSQL.
    pub fn owner_url(&self) -> Option<&str> {
        self.postgres.as_ref().map(|postgres| postgres.database.url.as_str())
    }

    /// Lets the unprivileged logins in, once the migrations have run.
    pub async fn admit(&self) {
        if let Some(postgres) = &self.postgres {
            postgres.cluster.admit_logins().await;
        }
    }

    /// Copies `tasks` to where the bare handlers find them, and tells where that is.
    pub async fn fill_bare(&self, tasks: &[Task]) -> Result<String> {
        if let Some(url) = self.owner_url() {
            bare::postgres::fill(url, tasks).await?;
            return Ok(url.to_owned());
        }
        let file = self.directory().join("bare.db");
        bare::sqlite::fill(&file, tasks)?;
        Ok(file.display().to_string())
    }
}
