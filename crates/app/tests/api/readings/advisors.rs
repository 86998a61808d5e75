//! Advisors of an organisation's own, and what nobody is told of them.

use serde_json::{Value, json};
use tenantry_tenancy::Role;

use super::{events, path_of, question, with_oracle};
use crate::answer::Answer;
use crate::on_both_databases;
use crate::site::Site;

on_both_databases!(
    advisors_are_listed_made_changed_and_deleted,
    bad_advisors_are_refused,
    an_organization_has_so_many_advisors,
    what_advisors_are_told_is_shown_to_nobody,
);

/// Part of what advisors of these tests are told, and of what those of the platform are.
const SECRETS: [&str; 3] = ["pudding", "custard", "who stands at the crossroads"];

fn advisor(id: &str) -> Value {
    json!({"id": id, "name": "Anansi", "title": "Spider", "description": "Tells.", "instructions": "Hide the pudding."})
}

async fn advisors_are_listed_made_changed_and_deleted(site: &Site) {
    let (ada, stranger) = (site.newcomer().await, site.newcomer().await);
    let listed = async || {
        let list = ada.get("/advisors").await.expect(200);
        let ids: Vec<_> =
            list["data"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect();
        assert_eq!(list["count"], ids.len());
        ids
    };
    let of_platform = ["legba", "oshun", "shango", "yemaya"];
    assert_eq!(listed().await, of_platform);
    let made = ada.post("/advisors", advisor("anansi")).await;
    let view = json!({"id": "anansi", "name": "Anansi", "title": "Spider", "description": "Tells."});
    assert_eq!((made.expect(201), made.header("location")), (view.clone(), "/api/v1/advisors/anansi"));
    let again = ada.post("/advisors", advisor("anansi")).await;
    assert_eq!((again.expect(201), again.header("etag")), (view, made.header("etag")), "the same is there already");
    let other = json!({"id": "anansi", "name": "A", "title": "B", "instructions": "C"});
    ada.post("/advisors", other.clone()).await.refused(409, "CONFLICT");
    ada.post("/advisors", advisor("legba")).await.refused(409, "CONFLICT");
    assert_eq!(listed().await.len(), 5);
    stranger.post("/advisors", other).await.expect(201);
    for method in ["PATCH", "PUT"] {
        let change = json!({"title": method, "description": null});
        let changed = ada.ask(method, "/advisors/anansi").json(&change).send().await.expect(200);
        assert_eq!((&changed["title"], &changed["description"]), (&json!(method), &json!("")));
        let stale = ada.ask(method, "/advisors/anansi").header("if-match", made.header("etag")).json(&change);
        stale.send().await.refused(412, "PRECONDITION_FAILED");
        let of_platform = ada.ask(method, "/advisors/legba").json(&change).send().await;
        of_platform.refused(403, "FORBIDDEN");
        ada.ask(method, "/advisors/nobody").json(&change).send().await.refused(404, "NOT_FOUND");
        ada.ask(method, "/advisors/No%20One").json(&change).send().await.refused(404, "NOT_FOUND");
    }
    ada.delete("/advisors/legba").await.refused(403, "FORBIDDEN");
    ada.delete("/advisors/anansi").await.expect(204);
    ada.delete("/advisors/anansi").await.refused(404, "NOT_FOUND");
    assert_eq!(listed().await, of_platform);
    let theirs = stranger.get("/advisors").await.expect(200);
    assert_eq!(theirs["data"][4]["name"], "A", "nobody touched those of others: {theirs}");
}

async fn bad_advisors_are_refused(site: &Site) {
    let ada = site.newcomer().await;
    for (field, bad) in [
        ("id", json!("No One")),
        ("id", json!("")),
        ("id", json!("x".repeat(51))),
        ("name", json!(" ")),
        ("title", json!("x".repeat(201))),
        ("description", json!("x".repeat(1001))),
        ("instructions", json!("")),
        ("instructions", json!(format!("custard {}", "x".repeat(8000)))),
        ("instructions", json!(["custard"])),
        ("provider", json!("custard")),
    ] {
        let mut body = advisor("anansi");
        body[field] = bad;
        let answer = ada.post("/advisors", body).await;
        answer.blames(422, "VALIDATION_ERROR", field);
        check(&answer);
    }
    assert_eq!(site.rows("advisors").await, 0);
}

async fn an_organization_has_so_many_advisors(site: &Site) {
    let site = site.another(&[("TENANTRY__READINGS__ADVISORS_PER_ORGANIZATION", "2")]).await;
    let (ada, stranger) = (site.newcomer().await, site.newcomer().await);
    for id in ["one", "two"] {
        ada.post("/advisors", advisor(id)).await.expect(201);
    }
    ada.post("/advisors", advisor("three")).await.refused(409, "CONFLICT");
    stranger.post("/advisors", advisor("one")).await.expect(201);
    drop((ada, stranger));
    site.stop().await;
}

/// Nothing of what advisors are told is in it.
fn check(answer: &Answer) {
    let headers = answer.headers.iter().map(|(_, value)| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let text = headers.chain([answer.text()]).collect::<String>();
    assert!(SECRETS.iter().all(|secret| !text.contains(secret)), "{text}");
}

async fn what_advisors_are_told_is_shown_to_nobody(site: &Site) {
    with_oracle(site, &[], async |site, _| {
        let ada = site.newcomer().await;
        let member = ada.hire(Role::Member).await;
        let mut seen = vec![ada.post("/advisors", advisor("anansi")).await];
        seen.push(ada.patch("/advisors/anansi", json!({"instructions": "Hide the custard."})).await);
        seen.push(ada.patch("/advisors/anansi", json!({"instructions": "Hide the custard.\u{7}"})).await);
        for text in ["Which way?", "Fail", "Break off"] {
            for id in ["anansi", "legba"] {
                let body = json!({"advisor": id, "question": text});
                seen.push(member.post("/readings", body.clone()).await);
                seen.push(member.post("/readings/stream", body).await);
            }
        }
        let stream = member.post("/readings/stream", question("Which way?")).await;
        let path = path_of(&events(&stream.text())[0].data);
        for path in [
            "/advisors",
            "/readings",
            &path,
            &format!("{path}/stream"),
            "/readings/usage",
            "/users/me/export",
            "/openapi.json",
        ] {
            seen.push(member.get(path).await);
        }
        seen.push(ada.get("/audit-log?limit=100").await);
        seen.push(ada.delete("/advisors/anansi").await);
        assert!(seen.iter().filter(|answer| answer.status < 300).count() > 10);
        seen.iter().for_each(check);
    })
    .await;
}
