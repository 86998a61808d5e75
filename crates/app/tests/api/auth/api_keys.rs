//! C13: programs act with keys of their own.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tenantry_tenancy::Role;
use tokio::time::sleep;

use crate::answer::Answer;
use crate::contract::operations;
use crate::coverage::access::of_owner;
use crate::fixture::Fixture;
use crate::on_both_databases;
use crate::person::Person;
use crate::site::{PASSWORD, Site};

/// How long a key may live on other nodes once it is gone, and a little.
const SOON: Duration = Duration::from_millis(1_500);

on_both_databases!(
    c13_a_key_acts_as_its_owner_and_is_shown_once,
    c13_a_key_does_what_its_scopes_say_and_no_more,
    c13_a_key_never_manages_keys_passwords_factors_or_sessions,
    c13_a_key_stays_in_its_organisation,
    c13_a_key_has_no_more_rights_than_its_owner,
    c13_a_key_dies_with_what_it_stands_on,
    c13_another_node_knows_within_a_second_that_a_key_is_gone,
    c13_a_key_outlives_sessions_and_passwords,
    c13_the_last_use_is_noted_to_a_minute,
    c13_an_expired_key_is_told_from_an_unknown_one,
    c13_a_key_has_idempotency_keys_of_its_own,
    c13_the_audit_log_names_the_key,
    c13_bad_keys_are_refused,
);

impl<'s> Person<'s> {
    /// A new API key, as the answer tells it.
    async fn api_key(&self, scopes: &[&str]) -> Value {
        self.post("/auth/api-keys", json!({"name": "deployment", "scopes": scopes})).await.expect(201)
    }

    /// A program that acts for this person.
    async fn program(&self, scopes: &[&str]) -> Person<'s> {
        let key = self.api_key(scopes).await;
        Person { organization: None, ..self.with_token(key["key"].as_str().unwrap()) }
    }
}

async fn c13_a_key_acts_as_its_owner_and_is_shown_once(site: &Site) {
    let ada = site.newcomer().await;
    let made = ada.post("/auth/api-keys", json!({"name": " deploy ", "scopes": ["tasks:write", "users:read"]})).await;
    let key = made.expect(201);
    assert!(made.header("location").ends_with(key["id"].as_str().unwrap()), "{made}");
    assert_eq!(made.header("cache-control"), "no-store");
    let text = key["key"].as_str().unwrap();
    assert!(text.starts_with(key["prefix"].as_str().unwrap()) && text.len() == 62, "{key}");
    assert_eq!((&key["name"], &key["scopes"]), (&json!("deploy"), &json!(["tasks:write", "users:read"])));
    let program = ada.with_token(text);
    let task = program.task(json!({"title": "by a program"})).await;
    assert_eq!(task["user_id"], ada.id.as_str());
    assert_eq!(ada.get("/tasks").await.expect(200)["data"][0]["id"], task["id"]);
    let me = program.get("/auth/me").await.expect(200);
    assert_eq!((&me["id"], &me["role"]), (&json!(ada.id), &json!("OWNER")));

    let listed = ada.get("/auth/api-keys").await;
    let list = listed.expect(200);
    assert_eq!((&list["count"], &list["data"][0]["id"]), (&json!(1), &key["id"]));
    assert!(!listed.text().contains(&text[13..]) && list["data"][0].get("key").is_none(), "{listed}");
    // Somebody else sees and ends none of it.
    let bob = ada.hire(Role::Admin).await;
    assert_eq!(bob.get("/auth/api-keys").await.expect(200)["count"], 0);
    bob.delete(&format!("/auth/api-keys/{}", key["id"].as_str().unwrap())).await.refused(404, "NOT_FOUND");
    program.get("/tasks").await.expect(200);
}

async fn c13_a_key_does_what_its_scopes_say_and_no_more(site: &Site) {
    let everything = ["audit", "organizations", "projects", "tasks", "users"];
    for operation in operations().iter().filter(|operation| !operation.public) {
        let fixture = Fixture::of(site).await;
        let ask = async |scopes: &[&str]| {
            let program = fixture.owner.program(scopes).await;
            fixture.request(operation, |ask| program.authorize(ask)).await
        };
        let Some(scope) = operation.api_scope.as_deref() else {
            ask(&["*"]).await.refused(403, "FORBIDDEN");
            continue;
        };
        let (resource, access) = scope.split_once(':').unwrap();
        let others: Vec<String> =
            everything.iter().filter(|other| **other != resource).map(|other| format!("{other}:write")).collect();
        let others: Vec<&str> = others.iter().map(String::as_str).collect();
        ask(&others).await.refused(403, "FORBIDDEN");
        if access == "write" {
            ask(&[&format!("{resource}:read")]).await.refused(403, "FORBIDDEN");
        }
        let answer = ask(&[&format!("{resource}:write")]).await;
        assert_eq!(answer.status, of_owner(operation), "{answer}");
    }
}

async fn c13_a_key_never_manages_keys_passwords_factors_or_sessions(site: &Site) {
    let ada = site.newcomer().await;
    let program = ada.program(&["*"]).await;
    let key = json!({"name": "another", "scopes": ["*"]});
    let change = json!({"password": "another staple battery", "current_password": PASSWORD});
    for (method, path, body) in [
        ("POST", "/auth/api-keys", key),
        ("GET", "/auth/api-keys", Value::Null),
        ("PATCH", "/users/me", change),
        ("DELETE", "/users/me", json!({"password": PASSWORD})),
        ("POST", "/auth/totp/enroll", Value::Null),
        ("GET", "/auth/sessions", Value::Null),
        ("POST", "/auth/logout", json!({"scope": "global"})),
        ("POST", "/organizations", json!({"name": "Another"})),
    ] {
        let ask = program.ask(method, path);
        let ask = if body.is_null() { ask } else { ask.json(&body) };
        ask.send().await.refused(403, "FORBIDDEN");
    }
    ada.get("/users/me").await.expect(200);
    site.login(&ada.email, PASSWORD).await.expect(200);
}

async fn c13_a_key_stays_in_its_organisation(site: &Site) {
    let ada = site.newcomer().await;
    let other = ada.found("Another").await;
    let program = ada.program(&["*"]).await;
    program.within(&other).get("/tasks").await.refused(404, "NOT_FOUND");
    program.within(&ada.own_organization).get("/tasks").await.expect(200);
    program.get(&format!("/organizations/{other}")).await.refused(404, "NOT_FOUND");
    let list = program.get("/organizations").await.expect(200);
    assert_eq!((&list["count"], &list["data"][0]["id"]), (&json!(1), &json!(ada.own_organization)));
    let me = program.get("/auth/me").await;
    assert_eq!(me.expect(200)["organizations"].as_array().unwrap().len(), 1);
    assert!(!me.text().contains(&other), "{me}");
    // Made there, it works there.
    let there = ada.within(&other).program(&["tasks:write"]).await;
    assert_eq!(there.task(json!({"title": "there"})).await["organization_id"], other.as_str());
    there.within(&ada.own_organization).get("/tasks").await.refused(404, "NOT_FOUND");
    assert_eq!(ada.get("/auth/api-keys").await.expect(200)["count"], 1);
    assert_eq!(ada.within(&other).get("/auth/api-keys").await.expect(200)["count"], 1);
}

async fn c13_a_key_has_no_more_rights_than_its_owner(site: &Site) {
    let owner = site.newcomer().await;
    let guest = owner.hire(Role::Guest).await;
    let program = guest.program(&["*"]).await;
    assert_eq!(program.get("/tasks").await.expect(200)["count"], 0);
    program.post("/tasks", json!({"title": "no"})).await.refused(403, "FORBIDDEN");
    program.get("/audit-log").await.refused(403, "FORBIDDEN");
}

/// What the answer to a request with a dead key is.
fn dead(answer: &Answer) {
    answer.refused(401, "TOKEN_INVALID");
}

async fn c13_a_key_dies_with_what_it_stands_on(site: &Site) {
    let ada = site.newcomer().await;
    let key = ada.api_key(&["*"]).await;
    let program = ada.with_token(key["key"].as_str().unwrap());
    program.get("/tasks").await.expect(200);
    ada.delete(&format!("/auth/api-keys/{}", key["id"].as_str().unwrap())).await.expect(204);
    dead(&program.get("/tasks").await);

    let owner = site.newcomer().await;
    let member = owner.hire(Role::Member).await;
    let program = member.program(&["*"]).await;
    let ids = format!("organization_id = '{}' AND user_id = '{}'", owner.own_organization, member.id);
    let ids = if site.is_sqlite() { sqlite_ids(&ids) } else { ids };
    program.get("/tasks").await.expect(200);
    for (change, undo) in [("is_active = FALSE", "is_active = TRUE")] {
        site.sql(&format!("UPDATE memberships SET {change} WHERE {ids}")).await;
        becomes(&program, 401).await;
        site.sql(&format!("UPDATE memberships SET {undo} WHERE {ids}")).await;
        becomes(&program, 200).await;
    }
    site.sql(&format!("UPDATE memberships SET role = 'GUEST' WHERE {ids}")).await;
    sleep(SOON).await;
    program.post("/tasks", json!({"title": "no"})).await.refused(403, "FORBIDDEN");
    site.sql(&format!("DELETE FROM memberships WHERE {ids}")).await;
    becomes(&program, 401).await;

    let cyd = site.newcomer().await;
    let program = cyd.program(&["*"]).await;
    program.get("/tasks").await.expect(200);
    cyd.ask("DELETE", "/users/me").json(&json!({"password": PASSWORD})).send().await.expect(204);
    // At once in the process that was asked.
    dead(&program.get("/tasks").await);
}

/// Identifiers are blobs there.
fn sqlite_ids(condition: &str) -> String {
    let hex = |part: &str| match part.strip_prefix('\'').and_then(|part| part.strip_suffix('\'')) {
        Some(id) => format!("x'{}'", id.replace('-', "")),
        None => part.to_owned(),
    };
    condition.split(' ').map(hex).collect::<Vec<_>>().join(" ")
}

/// Waits until the key counts, or doesn't, and fails if that is not soon.
async fn becomes(program: &Person<'_>, status: u16) {
    let asked = Instant::now();
    while program.get("/tasks").await.status != status {
        assert!(asked.elapsed() < SOON, "not {status} within a second");
        sleep(Duration::from_millis(50)).await;
    }
}

async fn c13_another_node_knows_within_a_second_that_a_key_is_gone(site: &Site) {
    let other = site.another(&[]).await;
    let ada = site.newcomer().await;
    let key = ada.api_key(&["tasks:read"]).await;
    let program = ada.with_token(key["key"].as_str().unwrap());
    program.on(&other).get("/tasks").await.expect(200);
    ada.delete(&format!("/auth/api-keys/{}", key["id"].as_str().unwrap())).await.expect(204);
    dead(&program.get("/tasks").await);
    becomes(&program.on(&other), 401).await;
    other.stop().await;
}

async fn c13_a_key_outlives_sessions_and_passwords(site: &Site) {
    let ada = site.newcomer().await;
    let program = ada.program(&["tasks:read"]).await;
    let change = json!({"password": "another staple battery", "current_password": PASSWORD});
    ada.patch("/users/me", change).await.expect(200);
    program.get("/tasks").await.expect(200);
    ada.ask("POST", "/auth/logout").json(&json!({"scope": "global"})).send().await.expect(200);
    ada.get("/tasks").await.refused(401, "SESSION_REVOKED");
    program.get("/tasks").await.expect(200);
}

async fn c13_the_last_use_is_noted_to_a_minute(site: &Site) {
    let ada = site.newcomer().await;
    let program = ada.program(&["tasks:read"]).await;
    let last_use = async || {
        site.running.node().services.api_key_gate.store_uses().await.unwrap();
        ada.get("/auth/api-keys").await.expect(200)["data"][0]["last_used_at"].clone()
    };
    assert_eq!(last_use().await, Value::Null);
    program.get("/tasks").await.expect(200);
    let first = last_use().await;
    assert!(first.is_string(), "{first}");
    program.get("/tasks").await.expect(200);
    assert_eq!(last_use().await, first);
}

async fn c13_an_expired_key_is_told_from_an_unknown_one(site: &Site) {
    let ada = site.newcomer().await;
    let body = |expires_at: &str| json!({"name": "short", "scopes": ["tasks:read"], "expires_at": expires_at});
    ada.post("/auth/api-keys", body("2020-01-01T00:00:00Z")).await.blames(422, "VALIDATION_ERROR", "expires_at");
    let key = ada.post("/auth/api-keys", body("2999-01-01T00:00:00Z")).await.expect(201);
    let program = ada.with_token(key["key"].as_str().unwrap());
    program.get("/tasks").await.expect(200);
    site.sql("UPDATE api_keys SET expires_at = '2020-01-01T00:00:00+00:00' WHERE name = 'short'").await;
    becomes(&program, 401).await;
    program.get("/tasks").await.refused(401, "TOKEN_EXPIRED");
}

async fn c13_a_key_has_idempotency_keys_of_its_own(site: &Site) {
    let ada = site.newcomer().await;
    let (one, other) = (ada.program(&["*"]).await, ada.program(&["*"]).await);
    let create = async |person: &Person<'_>| {
        let ask = person.ask("POST", "/tasks").header("idempotency-key", "once").json(&json!({"title": "once"}));
        ask.send().await.expect(201)["id"].clone()
    };
    let ids = [create(&ada).await, create(&one).await, create(&other).await];
    assert!(ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2], "{ids:?}");
    assert_eq!([create(&ada).await, create(&one).await, create(&other).await], ids);
}

async fn c13_the_audit_log_names_the_key(site: &Site) {
    let ada = site.newcomer().await;
    let key = ada.api_key(&["tasks:read"]).await;
    let program = ada.with_token(key["key"].as_str().unwrap());
    program.post("/tasks", json!({"title": "no"})).await.refused(403, "FORBIDDEN");
    ada.delete(&format!("/auth/api-keys/{}", key["id"].as_str().unwrap())).await.expect(204);
    let log = ada.get("/audit-log").await.expect(200);
    let entry = |action: &str| {
        let found = log["data"].as_array().unwrap().iter().find(|entry| entry["action"] == action);
        found.unwrap_or_else(|| panic!("{action}: {log}")).clone()
    };
    for action in ["api_key.create", "api_key.delete"] {
        let entry = entry(action);
        assert_eq!((&entry["actor_type"], &entry["target_id"]), (&json!("user"), &key["id"]), "{entry}");
    }
    let denied = entry("task.access_denied");
    assert_eq!((&denied["actor_type"], &denied["actor_id"]), (&json!("api_key"), &key["id"]), "{denied}");
    assert!(!log.to_string().contains(&key["key"].as_str().unwrap()[13..]));
}

async fn c13_bad_keys_are_refused(site: &Site) {
    let ada = site.newcomer().await;
    for (body, field) in [
        (json!({"name": "", "scopes": ["*"]}), "name"),
        (json!({"name": "x".repeat(256), "scopes": ["*"]}), "name"),
        (json!({"name": "x", "scopes": []}), "scopes"),
        (json!({"name": "x", "scopes": ["tasks:delete"]}), "scopes"),
        (json!({"name": "x"}), "scopes"),
        (json!({"name": "x", "scopes": ["*"], "key": "tnt_mine"}), "key"),
    ] {
        ada.post("/auth/api-keys", body).await.blames(422, "VALIDATION_ERROR", field);
    }
    let text = ada.api_key(&["*"]).await["key"].as_str().unwrap().to_owned();
    for wrong in ["tnt_", &text[..61], &format!("{text}x"), &text.replace("tnt_", "tnt-"), &text.to_lowercase()] {
        dead(&ada.with_token(wrong).get("/tasks").await);
    }
    let stranger = site.newcomer().await;
    stranger.delete("/auth/api-keys/no-uuid").await.refused(404, "NOT_FOUND");
}
