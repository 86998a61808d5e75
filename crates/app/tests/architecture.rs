//! The arrows between the crates, and what a domain crate may bring along, checked against what Cargo resolves.
//!
//! A failure here is not to be answered by a longer list without a word in docs/ARCHITECTURE.md.
#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Node, Package, PackageId};

/// Crates that another service embeds without a database, a web framework or a runtime.
const PURE: [&str; 7] = [
    "tenantry-kernel",
    "tenantry-identity",
    "tenantry-tenancy",
    "tenantry-tasks",
    "tenantry-readings",
    "tenantry-sync",
    "tenantry-application",
];

/// The domains that stand side by side. What spans them lives in `tenantry-application`.
const PRODUCT_DOMAINS: [&str; 3] = ["tenantry-tasks", "tenantry-readings", "tenantry-sync"];

/// What a pure crate must not bring along, at any depth.
const FORBIDDEN: [&str; 20] = [
    "actix-http",
    "actix-web",
    "aws-config",
    "aws-sdk-s3",
    "bcrypt",
    "config",
    "governor",
    "hyper",
    "jsonwebtoken",
    "lettre",
    "libsqlite3-sys",
    "mio",
    "redis",
    "reqwest",
    "rustls",
    "sea-orm",
    "sea-query",
    "sqlx",
    "sqlx-core",
    "tokio",
];

/// Every arrow there may be between crates of this workspace, apart from tests. Inward, layer by layer.
fn allowed_arrows() -> BTreeMap<&'static str, BTreeSet<&'static str>> {
    let domain = [
        "tenantry-kernel",
        "tenantry-identity",
        "tenantry-tenancy",
        "tenantry-tasks",
        "tenantry-readings",
        "tenantry-sync",
    ];
    let inner: Vec<_> = domain.into_iter().chain(["tenantry-application"]).collect();
    let outer = [
        "tenantry-store",
        "tenantry-http",
        "tenantry-jobs",
        "tenantry-credentials",
        "tenantry-advisors",
        "tenantry-generation",
        "tenantry-limits",
        "tenantry-mail",
        "tenantry-pace",
        "tenantry-source",
        "tenantry-transfer",
        "tenantry-objects",
        "tenantry-migrations",
        "tenantry-client",
    ];
    let of = |names: &[&'static str]| names.iter().copied().collect::<BTreeSet<_>>();
    let with = |more: &[&'static str]| inner.iter().chain(more).copied().collect::<BTreeSet<_>>();
    BTreeMap::from([
        ("tenantry-kernel", of(&[])),
        ("tenantry-identity", of(&["tenantry-kernel"])),
        ("tenantry-tenancy", of(&["tenantry-kernel", "tenantry-identity"])),
        ("tenantry-tasks", of(&["tenantry-kernel", "tenantry-identity", "tenantry-tenancy"])),
        ("tenantry-readings", of(&["tenantry-kernel", "tenantry-identity", "tenantry-tenancy"])),
        ("tenantry-sync", of(&["tenantry-kernel", "tenantry-identity", "tenantry-tenancy"])),
        ("tenantry-application", of(&domain)),
        ("tenantry-store", with(&["tenantry-migrations"])),
        ("tenantry-http", with(&[])),
        ("tenantry-jobs", with(&[])),
        ("tenantry-credentials", with(&[])),
        ("tenantry-advisors", with(&[])),
        ("tenantry-generation", with(&["tenantry-jobs"])),
        ("tenantry-limits", with(&[])),
        ("tenantry-mail", with(&[])),
        ("tenantry-pace", of(&[])),
        ("tenantry-source", with(&[])),
        ("tenantry-transfer", with(&["tenantry-pace", "tenantry-source"])),
        ("tenantry-objects", with(&[])),
        ("tenantry-client", with(&["tenantry-pace", "tenantry-source"])),
        ("tenantry-testkit", with(&[])),
        ("tenantry-migrations", of(&[])),
        ("tenantry-app", with(&outer)),
        ("tenantry-bench", with(&[&outer[..], &["tenantry-testkit"]].concat())),
        ("embedded-tasks", of(&domain)),
    ])
}

fn metadata() -> Metadata {
    MetadataCommand::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .other_options(["--locked".to_owned()])
        .exec()
        .unwrap()
}

fn workspace_package<'a>(metadata: &'a Metadata, name: &str) -> &'a Package {
    metadata.workspace_packages().into_iter().find(|package| package.name == name).unwrap()
}

/// The direct dependencies of a node that its library or binary is built with or from.
fn built_with(node: &Node) -> impl Iterator<Item = &PackageId> {
    node.deps
        .iter()
        .filter(|dependency| dependency.dep_kinds.iter().any(|kind| kind.kind != DependencyKind::Development))
        .map(|dependency| &dependency.pkg)
}

/// The names of all packages under `root` that are built for it.
fn tree<'a>(metadata: &'a Metadata, root: &'a PackageId) -> BTreeSet<&'a str> {
    let nodes: BTreeMap<_, _> = metadata.resolve.as_ref().unwrap().nodes.iter().map(|node| (&node.id, node)).collect();
    let mut seen = BTreeSet::new();
    let mut open = vec![root];
    while let Some(id) = open.pop() {
        if seen.insert(id) {
            open.extend(built_with(nodes[id]));
        }
    }
    seen.iter().map(|id| metadata[*id].name.as_str()).collect()
}

#[test]
fn arrows_point_inward() {
    let metadata = metadata();
    let allowed = allowed_arrows();
    let names: BTreeSet<_> = metadata.workspace_packages().iter().map(|package| package.name.as_str()).collect();
    let mut wrong = Vec::new();
    for package in metadata.workspace_packages() {
        let Some(targets) = allowed.get(package.name.as_str()) else {
            wrong.push(format!("{} has no place in the list of arrows", package.name));
            continue;
        };
        for dependency in &package.dependencies {
            let (name, kind) = (dependency.name.as_str(), dependency.kind);
            if names.contains(name) && kind != DependencyKind::Development && !targets.contains(name) {
                wrong.push(format!("{} → {name}", package.name));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn pure_crates_bring_no_framework_along() {
    let metadata = metadata();
    for name in PURE {
        let tree = tree(&metadata, &workspace_package(&metadata, name).id);
        let found: Vec<_> = FORBIDDEN.iter().filter(|forbidden| tree.contains(*forbidden)).collect();
        assert!(found.is_empty(), "{name} brings along {found:?}");
    }
}

/// The check above would be worth nothing if it looked at the wrong tree.
#[test]
fn adapters_do_bring_their_frameworks_along() {
    let metadata = metadata();
    for (name, framework) in [
        ("tenantry-store", "sea-orm"),
        ("tenantry-http", "actix-web"),
        ("tenantry-limits", "redis"),
        ("tenantry-credentials", "bcrypt"),
        ("tenantry-mail", "lettre"),
        ("tenantry-objects", "aws-sdk-s3"),
    ] {
        let tree = tree(&metadata, &workspace_package(&metadata, name).id);
        assert!(tree.contains(framework), "{name} without {framework}");
    }
}

#[test]
fn product_domains_do_not_know_one_another() {
    let metadata = metadata();
    for name in PRODUCT_DOMAINS {
        let tree = tree(&metadata, &workspace_package(&metadata, name).id);
        let others: Vec<_> = PRODUCT_DOMAINS.iter().filter(|other| **other != name && tree.contains(*other)).collect();
        assert!(others.is_empty(), "{name} knows {others:?}");
    }
}

#[test]
fn the_lib_of_a_pure_crate_is_a_table_of_contents() {
    let metadata = metadata();
    for name in PURE {
        let lib = workspace_package(&metadata, name).manifest_path.parent().unwrap().join("src/lib.rs");
        let text = fs::read_to_string(&lib).unwrap();
        assert!(text.lines().count() < 60, "{lib} has {} lines", text.lines().count());
        assert!(!text.contains("\nfn ") && !text.contains("\npub fn "), "{lib} holds code");
    }
}

#[test]
fn no_file_is_too_long() {
    let metadata = metadata();
    let mut long = Vec::new();
    for package in metadata.workspace_packages() {
        let mut open = vec![package.manifest_path.parent().unwrap().join("src")];
        while let Some(directory) = open.pop() {
            for entry in directory.read_dir_utf8().unwrap().map(Result::unwrap) {
                let path = entry.path();
                if path.is_dir() {
                    open.push(path.to_owned());
                } else if path.extension() == Some("rs") {
                    let lines = fs::read_to_string(path).unwrap().lines().count();
                    if lines > 500 {
                        long.push(format!("{path}: {lines} lines"));
                    }
                }
            }
        }
    }
    assert_eq!(long, Vec::<String>::new());
}
