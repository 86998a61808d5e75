//! M5: what one node ends has ended on all of them.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::time::sleep;

use crate::on_both_databases;
use crate::person::Person;
use crate::site::{PASSWORD, Site};

/// Twice the interval at which a node looks for what others revoked.
const SOON: Duration = Duration::from_secs(1);

on_both_databases!(m5_another_node_knows_within_a_second, a_node_that_starts_later_knows_at_once);

/// Fails unless the session ends soon, as seen from its site.
async fn ends_soon(person: &Person<'_>) {
    let asked = Instant::now();
    loop {
        let answer = person.get("/users/me").await;
        match answer.status {
            401 => return drop(answer.refused(401, "SESSION_REVOKED")),
            // The account itself is gone at once.
            404 => {}
            _ => drop(answer.expect(200)),
        }
        assert!(asked.elapsed() < SOON, "{answer}");
        sleep(Duration::from_millis(20)).await;
    }
}

async fn m5_another_node_knows_within_a_second(site: &Site) {
    let other = site.another(&[]).await;
    let change = json!({"password": "another staple battery", "current_password": PASSWORD});
    for (method, path, body) in [
        ("POST", "/auth/logout", json!({"scope": "global"})),
        ("POST", "/auth/logout", json!({"scope": "local"})),
        ("POST", "/auth/logout", json!({"scope": "others"})),
        ("PATCH", "/users/me", change),
        ("DELETE", "/users/me", json!({"password": PASSWORD})),
    ] {
        let ada = site.newcomer().await;
        let elsewhere = ada.sign_in().await;
        let (ended, bystander) = if body["scope"] == "local" { (&ada, Some(&elsewhere)) } else { (&elsewhere, None) };
        ended.on(&other).get("/users/me").await.expect(200);
        ada.ask(method, path).json(&body).send().await;
        ends_soon(&ended.on(&other)).await;
        if let Some(bystander) = bystander {
            bystander.on(&other).get("/users/me").await.expect(200);
        }
    }
    other.stop().await;
}

async fn a_node_that_starts_later_knows_at_once(site: &Site) {
    let ada = site.newcomer().await;
    let bob = site.newcomer().await;
    ada.ask("POST", "/auth/logout").send().await.expect(200);
    let later = site.another(&[]).await;
    ada.on(&later).get("/users/me").await.refused(401, "SESSION_REVOKED");
    bob.on(&later).get("/users/me").await.expect(200);
    later.stop().await;
}
