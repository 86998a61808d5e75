//! What embedding a domain crate brings along, as Cargo resolves it.
#![cfg(test)]

use std::{collections::BTreeSet, process::Command};

/// No database and no web framework: neither those of Tenantry's adapters, nor what they are made of.
const FORBIDDEN: [&str; 9] =
    ["actix-http", "actix-web", "hyper", "libsqlite3-sys", "rustls", "sea-orm", "sea-query", "sqlx", "sqlx-core"];

fn tree(package: &str) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--locked",
            "--edges",
            "normal,build",
            "--prefix",
            "none",
            "--format",
            "{p}",
            "--package",
            package,
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

#[test]
fn no_database_and_no_web_framework_come_along() {
    let tree = tree(env!("CARGO_PKG_NAME"));
    assert!(tree.contains("tenantry-tasks"), "{tree:?}");
    let found: Vec<_> = FORBIDDEN.into_iter().filter(|name| tree.contains(*name)).collect();
    assert_eq!(found, Vec::<&str>::new());
}

/// The check above would be worth nothing if these names were not what Cargo calls them.
#[test]
fn the_binary_of_tenantry_has_what_is_forbidden_here() {
    let tree = tree("tenantry-app");
    for name in FORBIDDEN.into_iter().filter(|name| *name != "hyper") {
        assert!(tree.contains(name), "{name}");
    }
}
