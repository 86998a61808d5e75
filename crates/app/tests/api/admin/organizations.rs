//! Closing organisations.

use serde_json::json;
use tenantry_tenancy::Role;

use crate::on_both_databases;
use crate::site::{PASSWORD, Site};

on_both_databases!(
    a_deactivated_organisation_is_closed_at_once_and_may_open_again,
    its_own_log_tells_of_it,
    what_is_deleted_is_not_there,
    administrators_keep_a_place_of_their_own,
);

async fn a_deactivated_organisation_is_closed_at_once_and_may_open_again(site: &Site) {
    let (admin, owner) = (site.administrator().await, site.newcomer().await);
    let member = owner.hire(Role::Member).await;
    let key = owner.post("/auth/api-keys", json!({"name": "robot", "scopes": ["*"]})).await.expect(201);
    let program = owner.with_token(key["key"].as_str().unwrap());
    let task = owner.task(json!({"title": "kept"})).await;

    let path = format!("/admin/organizations/{}", owner.own_organization);
    let closed = admin.patch(&path, json!({"is_active": false})).await.expect(200);
    assert_eq!((&closed["id"], &closed["is_active"]), (&json!(owner.own_organization), &json!(false)));
    owner.get("/tasks").await.refused(401, "MEMBERSHIP_CHANGED");
    program.get("/tasks").await.refused(401, "TOKEN_INVALID");
    // Somebody who belongs elsewhere too is at work there.
    member.get("/tasks").await.refused(404, "NOT_FOUND");
    let own = member.within(&member.own_organization);
    own.get("/tasks").await.expect(200);
    assert_eq!(own.get("/organizations").await.expect(200)["count"], 1);
    site.login(&owner.email, PASSWORD).await.refused(403, "ACCOUNT_INACTIVE");

    admin.patch(&path, json!({"is_active": true})).await.expect(200);
    owner.get("/tasks").await.refused(401, "MEMBERSHIP_CHANGED");
    let again = owner.sign_in().await;
    assert_eq!(again.get("/tasks").await.expect(200)["data"][0]["id"], task["id"]);
    program.get("/tasks").await.expect(200);
    member.get("/tasks").await.expect(200);
}

async fn its_own_log_tells_of_it(site: &Site) {
    let (admin, owner) = (site.administrator().await, site.newcomer().await);
    let path = format!("/admin/organizations/{}", owner.own_organization);
    for active in [false, true] {
        admin.patch(&path, json!({"is_active": active})).await.expect(200);
    }
    let owner = owner.sign_in().await;
    let log = owner.get(&format!("/audit-log?actor_id={}", admin.id)).await.expect(200);
    let told: Vec<_> =
        log["data"].as_array().unwrap().iter().map(|entry| (&entry["action"], &entry["actor_type"])).collect();
    let wanted = ["organization.activate", "organization.deactivate"].map(|action| (json!(action), json!("platform")));
    assert_eq!(told, wanted.each_ref().map(|(action, kind)| (action, kind)), "{log}");
    let path = format!("/admin/audit-log?organization_id={}", owner.own_organization);
    let found = admin.get(&path).await.expect(200);
    assert_eq!(found["total"], owner.get("/audit-log").await.expect(200)["total"], "{found}");
    let ours = |entry: &serde_json::Value| entry["organization_id"] == owner.own_organization.as_str();
    assert!(found["data"].as_array().unwrap().iter().all(ours), "{found}");
}

async fn what_is_deleted_is_not_there(site: &Site) {
    let (admin, owner) = (site.administrator().await, site.newcomer().await);
    let other = owner.found("Short-lived").await;
    owner.delete(&format!("/organizations/{other}")).await.expect(204);
    let path = format!("/admin/organizations/{other}");
    admin.patch(&path, json!({"is_active": false})).await.refused(404, "NOT_FOUND");
    assert!(!admin.get("/admin/organizations?limit=100").await.text().contains(&other));
}

async fn administrators_keep_a_place_of_their_own(site: &Site) {
    let admin = site.administrator().await;
    let path = format!("/admin/organizations/{}", admin.own_organization);
    admin.patch(&path, json!({"is_active": false})).await.refused(409, "CONFLICT");
    let other = admin.found("Another").await;
    admin.patch(&path, json!({"is_active": false})).await.expect(200);
    let admin = admin.sign_in().await;
    assert_eq!(admin.own_organization, other);
    admin.patch(&path, json!({"is_active": true})).await.expect(200);
}
