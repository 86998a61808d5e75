//! Every parameter of every query.

use super::{Verdict, judge};
use crate::contract::{Operation, operations};
use crate::fixture::Fixture;
use crate::on_both_databases;
use crate::site::Site;

/// As they stand in a URL.
const VALUES: [&str; 16] = [
    "",
    "%27%3B%20DROP%20TABLE%20tasks%3B%20--",
    "%3Cscript%3Ealert(1)%3C%2Fscript%3E",
    "%",
    "%zz",
    "%25",
    "_",
    "%5C",
    "%C0%80",
    "a%0d%0aX-Injected:%201",
    "-1",
    "99999999999999999999",
    "1e308",
    "NaN",
    "%F0%9F%A6%80%E2%80%AE",
    "9999-12-31T23:59:59.999999999Z",
];

/// The same, for what no parameter may take.
const REFUSED: [&str; 2] = ["a%00b", "%07"];

on_both_databases!(every_parameter_stands_what_it_gets, no_operation_takes_a_parameter_it_does_not_know);

async fn every_parameter_stands_what_it_gets(site: &Site) {
    let fixture = Fixture::of(site).await;
    let mut seen = 0;
    for operation in operations().iter().filter(|operation| !operation.query.is_empty()) {
        let path = operation.path_to(&fixture.owner.own_organization);
        let send = async |query: &str, verdict| {
            let ask = site.at(&operation.method, &format!("{path}?{query}"));
            judge(site, fixture.caller(operation).authorize(ask), verdict, query).await
        };
        for name in &operation.query {
            for value in VALUES {
                let answer = send(&format!("{name}={value}"), Verdict::Either).await;
                assert!(answer.headers.get("x-injected").is_none(), "{answer}");
            }
            for value in REFUSED {
                send(&format!("{name}={value}"), Verdict::Refused).await;
            }
            send(&format!("{name}={}", "x".repeat(8_000)), Verdict::Refused).await;
            send(&format!("{name}=1&{name}=1"), Verdict::Refused).await.blames(422, "VALIDATION_ERROR", name);
            send(&format!("{name}[$ne]=1"), Verdict::Refused).await.refused(422, "VALIDATION_ERROR");
            seen += 1;
        }
        send("unknown=1", Verdict::Refused).await.blames(422, "VALIDATION_ERROR", "unknown");
        let many: Vec<String> = (0..500).map(|number| format!("p{number}=1")).collect();
        send(&many.join("&"), Verdict::Refused).await;
    }
    assert!(seen > 0, "no operation has a query");
}

async fn no_operation_takes_a_parameter_it_does_not_know(site: &Site) {
    let fixture = Fixture::of(site).await;
    let bodies = |operation: &&Operation| !operation.public || fixture.body(operation).is_some();
    for operation in operations().iter().filter(bodies) {
        let path = operation.path_to(&fixture.owner.own_organization);
        let ask = site.at(&operation.method, &format!("{path}?unknown=1"));
        let mut ask = fixture.caller(operation).authorize(ask);
        if let Some(body) = fixture.body(operation) {
            ask = ask.json(&body);
        }
        let answer = ask.send().await;
        // An answer to HEAD has no body that could blame anything.
        if operation.method == "HEAD" {
            assert_eq!(answer.status, 422, "{answer}");
        } else {
            answer.blames(422, "VALIDATION_ERROR", "unknown");
        }
    }
}
