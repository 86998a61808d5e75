//! The built binary: exit codes, what it says, and what it leaves behind.

#![expect(clippy::unwrap_used, reason = "a test's functions may panic as its cases may")]

use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

const STRONG: &str = "vJ0m3Z5s8wXhTq1nC7yKd4Lr9pEbGf2a";

/// Runs the binary in `directory` with these variables and no others.
fn tenantry(directory: &Path, variables: &[(&str, &str)], arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tenantry"))
        .env_clear()
        .envs(variables.iter().copied())
        .current_dir(directory)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn stdout(output: &Output) -> &str {
    str::from_utf8(&output.stdout).unwrap()
}

fn stderr(output: &Output) -> &str {
    str::from_utf8(&output.stderr).unwrap()
}

#[test]
fn config_check_prints_what_is_in_effect_and_touches_nothing() {
    let folder = folder();
    let output = tenantry(folder.path(), &[("PORT", "9001"), ("SECRET_KEY", STRONG)], &["config", "check"]);
    assert_eq!((code(&output), stderr(&output)), (0, ""));
    let text = stdout(&output);
    let line = |key: &str| text.lines().find(|line| line.starts_with(key)).unwrap();
    assert!(line("server.port = 9001").ends_with("# PORT"), "{text}");
    assert!(line("server.host = \"127.0.0.1\"").ends_with("# default"), "{text}");
    assert!(line("auth.secret_key = [redacted]").ends_with("# SECRET_KEY"), "{text}");
    assert!(!text.contains(STRONG) && text.ends_with("\nok\n"), "{text}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn bad_configuration_is_one_sentence_and_code_78() {
    let folder = folder();
    for (variables, sentence) in [
        (&[("TENANTRY__SERVER__PROT", "1")][..], "unknown setting server.prot in TENANTRY__SERVER__PROT; server has "),
        (
            &[("TENANTRY_ENV", "production")],
            "database.url (DATABASE_URL) is SQLite, which production uses only with database.allow_sqlite = true",
        ),
        (
            &[("TENANTRY_ENV", "production"), ("DATABASE_URL", "postgres://a@b/c")],
            "auth.secret_key (SECRET_KEY) is missing; production needs a random value of at least 32 bytes",
        ),
        (&[("RUST_LOG", "info,=[")], "log.level (RUST_LOG) is no level and no filter: "),
    ] {
        for arguments in [&["config", "check"][..], &["migrate", "status"]] {
            let output = tenantry(folder.path(), variables, arguments);
            assert_eq!(code(&output), 78, "{}", stderr(&output));
            assert!(stderr(&output).starts_with(&format!("tenantry: {sentence}")), "{}", stderr(&output));
            assert_eq!((stderr(&output).lines().count(), stdout(&output)), (1, ""));
        }
    }
}

#[test]
fn wrong_usage_is_code_2_and_help_is_not() {
    let folder = folder();
    for arguments in [&["serv"][..], &["migrate", "down", "0"], &["migrate", "up", "all", "more"], &["admin", "create"]]
    {
        assert_eq!(code(&tenantry(folder.path(), &[], arguments)), 2, "{arguments:?}");
    }
    for arguments in [&["--help"][..], &["--version"], &["migrate", "--help"]] {
        assert_eq!(code(&tenantry(folder.path(), &[], arguments)), 0, "{arguments:?}");
    }
}

#[test]
fn a_file_of_the_profile_is_read_from_the_working_directory() {
    let folder = folder();
    std::fs::create_dir(folder.path().join("config")).unwrap();
    std::fs::write(folder.path().join("config/development.toml"), "[server]\nport = 9002\n").unwrap();
    let output = tenantry(folder.path(), &[], &["config", "check"]);
    assert!(stdout(&output).contains("server.port = 9002"), "{}", stdout(&output));
    assert!(stdout(&output).contains("# config/development.toml"), "{}", stdout(&output));
}

#[test]
fn migrations_go_up_and_down_on_sqlite() {
    let folder = folder();
    let run = |arguments: &[&str]| tenantry(folder.path(), &[], arguments);
    let missing = |output: &Output| stdout(output).lines().filter(|line| line.starts_with("missing ")).count();
    let status = run(&["migrate", "status"]);
    assert_eq!(code(&status), 0, "{}", stderr(&status));
    let steps = stdout(&status).lines().count();
    assert!(steps > 1 && missing(&status) == steps, "{}", stdout(&status));
    assert_eq!(missing(&run(&["migrate", "up", "1"])), steps - 1);
    assert_eq!(missing(&run(&["migrate", "up"])), 0);
    assert_eq!(missing(&run(&["migrate", "down"])), 1);
    let refused = run(&["migrate", "fresh"]);
    assert_eq!(code(&refused), 1);
    assert!(stderr(&refused).contains("--yes"), "{}", stderr(&refused));
    assert_eq!(missing(&run(&["migrate", "status"])), 1);
    assert_eq!(missing(&run(&["migrate", "fresh", "--yes"])), 0);
    assert!(folder.path().join("data/tenantry.db").is_file());
}

#[tokio::test]
async fn migrations_go_up_and_down_on_postgres() {
    let Some(cluster) = tenantry_testkit::postgres::cluster().await else { return };
    let database = cluster.create_database().await;
    let folder = folder();
    let run = |arguments: &[&str]| {
        let variables =
            [("DATABASE_URL", database.app_url.as_str()), ("TENANTRY__DATABASE__MIGRATION_URL", &database.url)];
        let output = tenantry(folder.path(), &variables, arguments);
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        stdout(&output).to_owned()
    };
    let steps = run(&["migrate", "status"]).lines().count();
    assert_eq!(run(&["migrate", "up"]).matches("applied ").count(), steps);
    assert_eq!(run(&["migrate", "down", "99"]).matches("missing ").count(), steps);
    assert_eq!(run(&["migrate", "fresh", "--yes"]).matches("applied ").count(), steps);
}

#[tokio::test]
async fn a_database_that_is_away_is_code_1_and_no_password_is_shown() {
    let folder = folder();
    let variables = [
        ("DATABASE_URL", "postgres://app:hunter2@127.0.0.1:1/tenantry"),
        ("TENANTRY__DATABASE__ACQUIRE_TIMEOUT_SECONDS", "1"),
    ];
    let output = tenantry(folder.path(), &variables, &["migrate", "up"]);
    assert_eq!(code(&output), 1, "{}", stderr(&output));
    assert!(!stderr(&output).contains("hunter2"), "{}", stderr(&output));
}

#[test]
fn the_openapi_document_needs_no_settings() {
    let folder = folder();
    let output = tenantry(folder.path(), &[("TENANTRY_ENV", "production")], &["openapi"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"), "{document}");
}

#[test]
fn c13_audit_verify_tells_whether_the_log_is_whole() {
    let folder = folder();
    let run = |arguments: &[&str]| tenantry(folder.path(), &[("SECRET_KEY", STRONG)], arguments);
    let made = run(&["admin", "create", "--email", "ada@example.com"]);
    assert_eq!(code(&made), 0, "{}", stderr(&made));
    let whole = run(&["audit", "verify"]);
    assert_eq!(code(&whole), 0, "{}", stderr(&whole));
    let kept = folder.path().join("ends.txt");
    std::fs::write(&kept, stdout(&whole)).unwrap();
    let against = ["audit", "verify", "--against", kept.to_str().unwrap()];
    assert_eq!(code(&run(&against)), 0);

    let forged = stdout(&whole).replace(" 1 ", " 2 ");
    assert_ne!(forged, stdout(&whole), "{forged}");
    std::fs::write(&kept, forged).unwrap();
    let broken = run(&against);
    assert_eq!(code(&broken), 1);
    assert!(stderr(&broken).contains("does not continue the end that was kept"), "{}", stderr(&broken));
    std::fs::write(&kept, "nonsense").unwrap();
    assert!(stderr(&run(&against)).contains("line 1: must be the identifier of a chain"));
}
