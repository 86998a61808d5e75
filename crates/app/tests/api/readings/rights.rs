//! Who may ask, and programs that do.

use serde_json::json;
use tenantry_tenancy::Role;

use super::{path_of, question};
use crate::on_both_databases;
use crate::person::Person;
use crate::site::Site;

on_both_databases!(guests_ask_nobody, programs_do_what_their_scopes_say, a_member_who_left_reads_nothing);

async fn guests_ask_nobody(site: &Site) {
    let ada = site.newcomer().await;
    let guest = ada.hire(Role::Guest).await;
    assert_eq!(guest.get("/advisors").await.expect(200)["count"], 4);
    for path in ["/readings", "/readings/ask", "/readings/stream"] {
        guest.post(path, question("Which way?")).await.refused(403, "FORBIDDEN");
    }
    guest
        .post("/advisors", json!({"id": "a", "name": "A", "title": "A", "instructions": "A"}))
        .await
        .refused(403, "FORBIDDEN");
    assert_eq!(site.rows("readings").await, 0);
    let log = ada.get("/audit-log?action=reading.access_denied").await.expect(200);
    assert_eq!(log["total"], 3, "{log}");
}

async fn programs_do_what_their_scopes_say(site: &Site) {
    site.answer_readings();
    let ada = site.newcomer().await;
    let program = async |scope: &str| -> Person<'_> {
        let key = ada.post("/auth/api-keys", json!({"name": scope, "scopes": [scope]})).await.expect(201);
        ada.with_token(key["key"].as_str().unwrap())
    };
    let writer = program("readings:write").await;
    let reading = writer.post("/readings", question("Which way?")).await.expect(201);
    let stream = writer.get(&format!("{}/stream", path_of(&reading))).await;
    assert!(stream.text().contains("event: done"), "{stream}");
    let reader = program("readings:read").await;
    reader.get(&path_of(&reading)).await.expect(200);
    reader.get("/advisors").await.expect(200);
    reader.get("/readings/usage").await.expect(200);
    for path in ["/readings", "/readings/stream", &format!("{}/cancel", path_of(&reading))] {
        reader.post(path, question("Which way?")).await.refused(403, "FORBIDDEN");
    }
    let budget = format!("/organizations/{}/budget", ada.own_organization);
    writer.get(&budget).await.refused(403, "FORBIDDEN");
    program("organizations:read").await.get(&budget).await.expect(200);
    let change = json!({"monthly_usd": "5"});
    program("organizations:read").await.ask("PUT", &budget).json(&change).send().await.refused(403, "FORBIDDEN");
    program("organizations:write").await.ask("PUT", &budget).json(&change).send().await.expect(200);
    program("tasks:write").await.get("/readings").await.refused(403, "FORBIDDEN");
}

async fn a_member_who_left_reads_nothing(site: &Site) {
    site.answer_readings();
    let ada = site.newcomer().await;
    let bob = ada.hire(Role::Member).await;
    let reading = bob.post("/readings", question("Which way?")).await.expect(201);
    ada.delete(&format!("/users/{}", bob.id)).await.expect(204);
    for path in [path_of(&reading), format!("{}/stream", path_of(&reading)), "/readings".to_owned()] {
        bob.get(&path).await.refused(404, "NOT_FOUND");
    }
}
