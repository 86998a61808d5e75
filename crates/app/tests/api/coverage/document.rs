//! The committed document is the one that is served and printed.

use std::process::Command;

use crate::contract;
use crate::on_both_databases;
use crate::site::Site;

#[test]
fn the_committed_document_is_what_the_binary_prints() {
    let output = Command::new(env!("CARGO_BIN_EXE_tenantry")).arg("openapi").output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let differs = printed.lines().zip(contract::text().lines()).find(|(printed, committed)| printed != committed);
    assert!(printed == contract::text(), "write it anew: tenantry openapi > openapi.json; it differs at {differs:?}");
}

on_both_databases!(the_committed_document_is_what_is_served);

async fn the_committed_document_is_what_is_served(site: &Site) {
    for path in ["/openapi.json", "/api/v1/openapi.json", "/api/openapi.json"] {
        let served = site.at("GET", path).send().await;
        assert_eq!((served.status, served.text().trim_end()), (200, contract::text().trim_end()), "{path}");
    }
}
