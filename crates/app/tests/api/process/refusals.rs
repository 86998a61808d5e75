//! Configurations under which the server refuses to start: exit code 78, and one sentence that says why.

use sqlx::{Connection as _, PgConnection};
use tenantry_testkit::postgres::{TestDatabase, cluster};

use super::binary::run;

const SECRET: (&str, &str) = ("SECRET_KEY", "vJ0m3Z5s8wXhTq1nC7yKd4Lr9pEbGf2a");
const PRODUCTION: (&str, &str) = ("TENANTRY_ENV", "production");

/// Runs `tenantry serve`, which must refuse, and answers what it says.
fn refused(variables: &[(&str, &str)]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), variables, &["serve"], "");
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(78), 0), "{said}");
    let sentence = said.lines().last().unwrap().to_owned();
    assert!(sentence.starts_with("tenantry: "), "{said}");
    assert!(!said.contains(SECRET.1), "{said}");
    sentence
}

#[test]
fn production_without_a_secret() {
    let sentence = refused(&[PRODUCTION, ("DATABASE_URL", "postgres://app@127.0.0.1:1/x")]);
    assert!(sentence.contains("SECRET_KEY"), "{sentence}");
}

#[test]
fn production_with_a_weak_secret() {
    for secret in ["short", "changeme-changeme-changeme-changeme", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"] {
        let variables = [PRODUCTION, ("SECRET_KEY", secret), ("DATABASE_URL", "postgres://app@127.0.0.1:1/x")];
        let sentence = refused(&variables);
        assert!(sentence.contains("SECRET_KEY") && !sentence.contains(secret), "{sentence}");
    }
}

#[test]
fn production_on_sqlite() {
    let sentence = refused(&[PRODUCTION, SECRET]);
    assert!(sentence.contains("SQLite") && sentence.contains("database.allow_sqlite"), "{sentence}");
}

#[tokio::test]
async fn production_as_the_owner_of_the_tables() {
    let Some(database) = migrated().await else { return };
    let sentence = refused(&[PRODUCTION, SECRET, ("DATABASE_URL", &database.url)]);
    assert!(sentence.contains("tenantry_migrator"), "{sentence}");
}

/// A superuser who has taken the role of the application can leave it again.
#[tokio::test]
async fn production_as_a_superuser() {
    let Some(database) = migrated().await else { return };
    let mut url = url::Url::parse(&database.app_url).unwrap();
    url.set_username("postgres").unwrap();
    if PgConnection::connect(url.as_str()).await.is_err() {
        eprintln!("SKIPPED: the test server has no superuser that the tests can log in as");
        return;
    }
    let sentence = refused(&[PRODUCTION, SECRET, ("DATABASE_URL", url.as_str())]);
    assert!(sentence.contains("postgres") && sentence.contains("superuser"), "{sentence}");
}

async fn migrated() -> Option<TestDatabase> {
    let cluster = cluster().await?;
    let migrate = async |url: String| {
        let folder = tempfile::tempdir().unwrap();
        super::binary::done(folder.path(), &[("DATABASE_URL", url.as_str())], &["migrate", "up"], "");
    };
    Some(cluster.database_from_template("process", migrate).await)
}
