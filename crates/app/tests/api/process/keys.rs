//! L9: the keys of access tokens at the command line.

use std::path::Path;

use super::binary::{FAST, done, run};

const SECRET: (&str, &str) = ("SECRET_KEY", "vJ0m3Z5s8wXhTq1nC7yKd4Lr9pEbGf2a");
const ANOTHER: (&str, &str) = ("SECRET_KEY", "Xq7Lw2NvR9tYc4HmZ8sKb3JdF6gPa1Ue");
const EDDSA: (&str, &str) = ("TENANTRY__AUTH__ALGORITHM", "EdDSA");

/// State and name of each key that was listed.
fn listed(said: &str) -> Vec<(String, String)> {
    let key = |line: &str| {
        let mut words = line.split_whitespace().map(str::to_owned);
        (words.next().unwrap(), words.next().unwrap())
    };
    said.lines().map(key).collect()
}

fn name_of(keys: &[(String, String)], state: &str) -> String {
    keys.iter().find(|key| key.0 == state).unwrap_or_else(|| panic!("{keys:?}")).1.clone()
}

fn refused(folder: &Path, variables: &[(&str, &str)], arguments: &[&str], code: i32) -> String {
    let output = run(folder, variables, arguments, "");
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(code), 0), "{said}");
    said.lines().last().unwrap().to_owned()
}

#[test]
fn l9_keys_are_listed_rotated_and_revoked_at_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let ours = [&FAST[..], &[SECRET, EDDSA]].concat();
    let start = ["admin", "create", "--email", "root@example.com"];
    assert_eq!(done(folder, &ours, &["keys", "list"], ""), "");
    done(folder, &ours, &start, "");
    let first = listed(&done(folder, &ours, &["keys", "list"], ""));
    let (active, next) = (name_of(&first, "active"), name_of(&first, "next"));
    assert_eq!(first.len(), 2);

    let said = refused(folder, &ours, &["keys", "rotate"], 1);
    assert!(said.starts_with("tenantry: the next key can't sign before "), "{said}");
    let said = refused(folder, &ours, &["keys", "revoke", "-nobodys"], 1);
    assert_eq!(said, "tenantry: there is no signing key -nobodys");
    let revoked = listed(&done(folder, &ours, &["keys", "revoke", &active], ""));
    assert_eq!((name_of(&revoked, "active"), revoked.len()), (next, 2));

    // Under another secret nothing starts before the keys are given up.
    let theirs = [&FAST[..], &[ANOTHER, EDDSA]].concat();
    let said = refused(folder, &theirs, &["admin", "create", "--email", "rita@example.com"], 78);
    assert!(said.contains(&name_of(&revoked, "active")) && said.contains("tenantry keys revoke"), "{said}");
    done(folder, &theirs, &["keys", "revoke", &name_of(&revoked, "active")], "");
    done(folder, &theirs, &["admin", "create", "--email", "rita@example.com"], "");

    let by_secret = [&FAST[..], &[SECRET]].concat();
    assert_eq!(listed(&done(folder, &by_secret, &["keys", "list"], "")).len(), 2);
    let said = refused(folder, &by_secret, &["keys", "rotate"], 78);
    assert!(said.contains("HS256"), "{said}");
}
