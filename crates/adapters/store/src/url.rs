use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use sqlx::postgres::PgConnectOptions;

/// Where the database is, read from any of the usual forms of URL.
///
/// | form | meaning |
/// | --- | --- |
/// | `postgres://…`, `postgresql://…`, `postgresql+asyncpg://…` (or another driver) | PostgreSQL |
/// | `sqlite://data/x.db`, `sqlite:x.db`, `sqlite:///./x.db` | a SQLite file, relative to the working directory |
/// | `sqlite:///var/x.db` | a SQLite file, absolute |
/// | `sqlite+aiosqlite:///x.db`, `sqlite+aiosqlite:////var/x.db` | relative, absolute: as that driver reads them |
///
/// For PostgreSQL `?sslmode=…` and asyncpg's `?ssl=…` are the same.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// A PostgreSQL server.
    Postgres(PostgresUrl),
    /// A SQLite file.
    Sqlite(PathBuf),
}

/// The URL of a PostgreSQL server in the form `postgres://…`; its password stays out of `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl(String);

/// Why a database URL was refused. The message never shows the URL, which may hold a password.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseUrlError {
    /// Neither PostgreSQL nor SQLite.
    #[error("a database URL starts with postgres:// or sqlite://")]
    Scheme,
    /// A database in memory is gone with its connection, and there is more than one.
    #[error("a SQLite database must be a file: one in memory is not supported")]
    InMemory,
    /// No file is named.
    #[error("the SQLite URL names no file")]
    NoFile,
    /// A parameter that SQLite URLs don't have here.
    #[error("the SQLite URL has a parameter that is not supported: {0}")]
    Parameter(String),
    /// PostgreSQL's part of the URL is malformed.
    #[error("the PostgreSQL URL is malformed")]
    Malformed(#[source] sqlx::Error),
}

impl DatabaseUrl {
    /// Reads a URL.
    pub fn parse(url: &str) -> Result<Self, DatabaseUrlError> {
        let (scheme, rest) = url.trim().split_once(':').ok_or(DatabaseUrlError::Scheme)?;
        let (dialect, driver) =
            scheme.split_once('+').map_or((scheme, None), |(dialect, driver)| (dialect, Some(driver)));
        match dialect {
            "postgres" | "postgresql" => PostgresUrl::parse(rest).map(Self::Postgres),
            "sqlite" => sqlite_path(rest, driver.is_some()).map(Self::Sqlite),
            _ => Err(DatabaseUrlError::Scheme),
        }
    }

    /// Whether it is a SQLite file.
    #[must_use]
    pub fn is_sqlite(&self) -> bool {
        matches!(self, Self::Sqlite(_))
    }

    /// The SQLite file, if it is one.
    #[must_use]
    pub fn sqlite_path(&self) -> Option<&Path> {
        match self {
            Self::Sqlite(path) => Some(path),
            Self::Postgres(_) => None,
        }
    }
}

impl FromStr for DatabaseUrl {
    type Err = DatabaseUrlError;

    fn from_str(url: &str) -> Result<Self, Self::Err> {
        Self::parse(url)
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Postgres(url) => url.fmt(formatter),
            Self::Sqlite(path) => write!(formatter, "sqlite://{}", path.display()),
        }
    }
}

impl PostgresUrl {
    fn parse(rest: &str) -> Result<Self, DatabaseUrlError> {
        let (base, query) = rest.split_once('?').unwrap_or((rest, ""));
        let query: Vec<String> = query.split('&').filter(|pair| !pair.is_empty()).map(parameter).collect();
        let separator = if query.is_empty() { "" } else { "?" };
        let url = Self(format!("postgres:{base}{separator}{}", query.join("&")));
        url.options().map(|_| url)
    }

    /// The options to connect with.
    pub(crate) fn options(&self) -> Result<PgConnectOptions, DatabaseUrlError> {
        self.0.parse().map_err(DatabaseUrlError::Malformed)
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.options() {
            Ok(options) => write!(
                formatter,
                "postgres://{}:***@{}:{}/{}",
                options.get_username(),
                options.get_host(),
                options.get_port(),
                options.get_database().unwrap_or_default()
            ),
            Err(_) => formatter.write_str("postgres://***"),
        }
    }
}

/// asyncpg says `ssl=…` where libpq and we say `sslmode=…`; its `true` checks the certificate and the host's name.
fn parameter(pair: &str) -> String {
    match pair.split_once('=') {
        Some(("ssl", "true" | "True")) => "sslmode=verify-full".to_owned(),
        Some(("ssl", "false" | "False")) => "sslmode=disable".to_owned(),
        Some(("ssl", mode)) => format!("sslmode={mode}"),
        _ => pair.to_owned(),
    }
}

fn sqlite_path(rest: &str, has_driver: bool) -> Result<PathBuf, DatabaseUrlError> {
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    if let Some(unknown) = query.split('&').find(|pair| !matches!(*pair, "" | "mode=rwc" | "mode=rw")) {
        return Err(DatabaseUrlError::Parameter(unknown.to_owned()));
    }
    let path = path.strip_prefix("//").unwrap_or(path);
    let path = match path.strip_prefix('/') {
        Some(relative) if has_driver || relative.starts_with("./") || relative.starts_with("../") => relative,
        Some(absolute) if absolute.starts_with('/') => absolute,
        _ => path,
    };
    match path {
        "" | "/" => Err(DatabaseUrlError::NoFile),
        path if path.contains(":memory:") => Err(DatabaseUrlError::InMemory),
        path => Ok(PathBuf::from(path)),
    }
}

#[cfg(test)]
mod tests {
    use sqlx::postgres::PgSslMode;

    use super::*;

    fn sqlite(url: &str) -> PathBuf {
        DatabaseUrl::parse(url).unwrap().sqlite_path().unwrap().to_owned()
    }

    fn postgres(url: &str) -> PgConnectOptions {
        match DatabaseUrl::parse(url).unwrap() {
            DatabaseUrl::Postgres(url) => url.options().unwrap(),
            DatabaseUrl::Sqlite(path) => panic!("{} is not PostgreSQL", path.display()),
        }
    }

    #[test]
    fn l6_sqlite_forms() {
        for (url, path) in [
            ("sqlite://data/tenantry.db", "data/tenantry.db"),
            ("sqlite:app.db", "app.db"),
            ("sqlite:///./app.db", "./app.db"),
            ("sqlite:///../app.db", "../app.db"),
            ("sqlite:///var/lib/app.db", "/var/lib/app.db"),
            ("sqlite:////var/lib/app.db", "/var/lib/app.db"),
            ("sqlite+aiosqlite:///./app.db", "./app.db"),
            ("sqlite+aiosqlite:///app.db", "app.db"),
            ("sqlite+aiosqlite:////var/app.db", "/var/app.db"),
            ("sqlite://data/x.db?mode=rwc", "data/x.db"),
        ] {
            assert_eq!(sqlite(url), Path::new(path), "{url}");
        }
    }

    #[test]
    fn l6_postgres_forms() {
        for scheme in ["postgres", "postgresql", "postgresql+asyncpg", "postgresql+psycopg"] {
            let options = postgres(&format!("{scheme}://ann:p%40ss@db.example.com:5433/app?ssl=require"));
            assert_eq!(options.get_username(), "ann");
            assert_eq!((options.get_host(), options.get_port()), ("db.example.com", 5433));
            assert_eq!(options.get_database(), Some("app"));
            assert!(matches!(options.get_ssl_mode(), PgSslMode::Require));
        }
    }

    #[test]
    fn ssl_in_either_spelling() {
        let mode = |query: &str| postgres(&format!("postgres://h/d?{query}")).get_ssl_mode();
        assert!(matches!(mode("sslmode=require"), PgSslMode::Require));
        assert!(matches!(mode("ssl=verify-full&application_name=x"), PgSslMode::VerifyFull));
        assert!(matches!(mode("ssl=true"), PgSslMode::VerifyFull));
        assert!(matches!(mode("application_name=x"), PgSslMode::Prefer));
    }

    #[test]
    fn refuses_what_it_cannot_serve() {
        let refused = |url: &str| DatabaseUrl::parse(url).unwrap_err();
        assert!(matches!(refused("mysql://h/d"), DatabaseUrlError::Scheme));
        assert!(matches!(refused("app.db"), DatabaseUrlError::Scheme));
        assert!(matches!(refused("sqlite::memory:"), DatabaseUrlError::InMemory));
        assert!(matches!(refused("sqlite:///:memory:"), DatabaseUrlError::InMemory));
        assert!(matches!(refused("sqlite://"), DatabaseUrlError::NoFile));
        assert!(matches!(refused("sqlite://x.db?cache=shared"), DatabaseUrlError::Parameter(_)));
        assert!(matches!(refused("postgres://h:port/d"), DatabaseUrlError::Malformed(_)));
        assert!(matches!(refused("postgres://h/d?sslmode=maybe"), DatabaseUrlError::Malformed(_)));
    }

    #[test]
    fn debug_and_errors_hide_the_password() {
        let url = DatabaseUrl::parse("postgres://ann:s3cret@h/d").unwrap();
        assert_eq!(format!("{url:?}"), "postgres://ann:***@h:5432/d");
        let error = DatabaseUrl::parse("postgres://ann:s3cret@h:x/d").unwrap_err();
        assert!(!format!("{error}").contains("s3cret"));
    }
}
