//! What is documented is exactly what is served.

use std::collections::{BTreeMap, BTreeSet};

use crate::contract::{Operation, operations};
use crate::on_both_databases;
use crate::site::Site;

const METHODS: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"];

on_both_databases!(each_path_answers_its_methods_and_no_other);

async fn each_path_answers_its_methods_and_no_other(site: &Site) {
    let operations = operations();
    let mut paths: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    let mut of_secrets = BTreeSet::new();
    for operation in &operations {
        if operation.path.contains("{token}") {
            of_secrets.insert(path(operation));
        }
        let methods = paths.entry(path(operation)).or_default();
        methods.insert(&operation.method);
        if operation.method == "GET" {
            methods.insert("HEAD");
        }
    }
    for (path, served) in paths {
        for method in METHODS {
            let answer = site.at(method, &path).send().await;
            if served.contains(method) {
                // What a token names is not there where the token is made up, and asks for no credentials before.
                let may_be_absent = of_secrets.contains(&path);
                assert!(!matches!(answer.status, 405 | 500..), "{answer}");
                assert!(answer.status != 404 || may_be_absent, "{answer}");
            } else {
                assert_eq!(answer.status, 405, "{answer}");
                let allowed: BTreeSet<&str> = answer.header("allow").split(", ").collect();
                assert_eq!(allowed, served, "{answer}");
            }
        }
        site.at("GET", &format!("{path}/there/is/nothing")).send().await.refused(404, "NOT_FOUND");
    }
}

fn path(operation: &Operation) -> String {
    operation.path_to(if operation.path.contains("{slug}") {
        "not-found"
    } else {
        "0199a000-0000-7000-8000-000000000000"
    })
}
