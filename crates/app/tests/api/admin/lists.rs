//! What administrators of the platform see.

use serde_json::{Value, json};
use tenantry_tenancy::Role;

use crate::on_both_databases;
use crate::person::Person;
use crate::site::{Site, unique};

on_both_databases!(
    accounts_are_listed_found_and_filtered,
    organisations_are_listed_found_and_filtered,
    cursors_reach_everything_once,
    stats_count_what_there_is,
    the_audit_log_is_that_of_all,
);

async fn list(admin: &Person<'_>, path: &str) -> Vec<Value> {
    admin.get(path).await.expect(200)["data"].as_array().unwrap().clone()
}

async fn accounts_are_listed_found_and_filtered(site: &Site) {
    let (admin, owner) = (site.administrator().await, site.newcomer().await);
    let ada = owner.hire(Role::Member).await;
    let newest = list(&admin, "/admin/users?limit=1").await;
    assert_eq!((&newest[0]["id"], &newest[0]["organizations"]), (&json!(ada.id), &json!(2)));
    let found = list(&admin, &format!("/admin/users?q={}", ada.email.to_uppercase())).await;
    assert_eq!((found.len(), &found[0]["username"]), (1, &json!(ada.username)));
    admin.patch(&format!("/admin/users/{}", ada.id), json!({"is_active": false})).await.expect(200);
    let inactive = list(&admin, "/admin/users?is_active=false").await;
    assert_eq!((inactive.len(), &inactive[0]["id"]), (1, &json!(ada.id)));
    assert!(list(&admin, "/admin/users?q=nobody-like-this").await.is_empty());
    // Nothing secret is in it.
    let text = admin.get("/admin/users").await.text();
    assert!(!text.contains("hash") && !text.contains("epoch") && !text.contains("search"), "{text}");
}

async fn organisations_are_listed_found_and_filtered(site: &Site) {
    let (admin, owner) = (site.administrator().await, site.newcomer().await);
    let name = unique("Grün");
    let id = owner.found(&name).await;
    owner
        .within(&id)
        .patch(&format!("/organizations/{id}"), json!({"contact_email": "who@example.org"}))
        .await
        .expect(200);
    let newest = list(&admin, "/admin/organizations?limit=1").await;
    assert_eq!((&newest[0]["id"], &newest[0]["members"]), (&json!(id), &json!(1)));
    for words in [name.to_uppercase(), "who@EXAMPLE.org".to_owned()] {
        let found = list(&admin, &format!("/admin/organizations?q={words}")).await;
        assert_eq!((found.len(), &found[0]["name"]), (1, &json!(name)), "{words}");
    }
    admin.patch(&format!("/admin/organizations/{id}"), json!({"is_active": false})).await.expect(200);
    let inactive = list(&admin, "/admin/organizations?is_active=false").await;
    assert_eq!((inactive.len(), &inactive[0]["id"]), (1, &json!(id)));
}

async fn cursors_reach_everything_once(site: &Site) {
    let admin = site.administrator().await;
    for _ in 0..4 {
        site.newcomer().await;
    }
    for kind in ["users", "organizations", "audit-log"] {
        let whole = list(&admin, &format!("/admin/{kind}?limit=100")).await;
        let mut seen = Vec::new();
        let mut path = format!("/admin/{kind}?limit=2");
        loop {
            let page = admin.get(&path).await.expect(200);
            seen.extend(page["data"].as_array().unwrap().clone());
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            path = format!("/admin/{kind}?limit=2&cursor={cursor}");
        }
        assert_eq!(seen, whole, "{kind}");
    }
}

async fn stats_count_what_there_is(site: &Site) {
    let (admin, owner) = (site.administrator().await, site.newcomer().await);
    let before = admin.get("/admin/stats").await.expect(200);
    let ada = owner.hire(Role::Member).await;
    owner.task(json!({"title": "one"})).await;
    owner.project("one").await;
    owner.post("/auth/api-keys", json!({"name": "robot", "scopes": ["*"]})).await.expect(201);
    admin
        .patch(&format!("/admin/organizations/{}", ada.own_organization), json!({"is_active": false}))
        .await
        .expect(200);
    let after = admin.get("/admin/stats").await.expect(200);
    let grown = |name: &str| after[name].as_i64().unwrap() - before[name].as_i64().unwrap();
    let names =
        ["users", "active_users", "organizations", "active_organizations", "tasks", "projects", "api_keys", "sessions"];
    assert_eq!(names.map(grown), [1, 1, 1, 0, 1, 1, 1, 1], "{after}");
    // What is in a deleted organisation goes with it.
    owner.delete(&format!("/organizations/{}", owner.own_organization)).await.expect(204);
    admin.patch(&format!("/admin/users/{}", ada.id), json!({"is_active": false})).await.expect(200);
    let end = admin.get("/admin/stats").await.expect(200);
    let lost = |name: &str| after[name].as_i64().unwrap() - end[name].as_i64().unwrap();
    let names = ["users", "active_users", "sessions", "organizations", "tasks", "projects", "api_keys"];
    assert_eq!(names.map(lost), [0, 1, 1, 1, 1, 1, 1], "{end}");
    assert_eq!(list(&admin, &format!("/admin/users?q={}", ada.email)).await[0]["organizations"], 1);
}

async fn the_audit_log_is_that_of_all(site: &Site) {
    let (admin, ada, eve) = (site.administrator().await, site.newcomer().await, site.newcomer().await);
    for person in [&ada, &eve] {
        person.found("Another").await;
    }
    let made = list(&admin, "/admin/audit-log?action=organization.create").await;
    let actors: Vec<_> = made.iter().map(|entry| entry["actor_id"].as_str().unwrap()).collect();
    assert_eq!(actors, [&eve.id, &ada.id]);
    let own = list(&admin, &format!("/admin/audit-log?actor_id={}&action=organization.create", ada.id)).await;
    assert_eq!((own.len(), &own[0]["actor_id"]), (1, &json!(ada.id)));
    admin.get("/admin/audit-log?outcome=maybe").await.blames(422, "VALIDATION_ERROR", "outcome");
}
