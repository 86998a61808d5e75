//! T5, C13: what is done and refused is written down, for the administrators of the organisation.

use serde_json::{Value, json};
use tenantry_tenancy::Role;

use crate::on_both_databases;
use crate::person::{Person, path_of};
use crate::site::{PASSWORD, Site};

on_both_databases!(
    t5_a_refused_attempt_is_written_down,
    c13_what_people_do_to_their_accounts_is_written_down,
    c13_only_administrators_read_the_log,
    c13_the_log_is_filtered_and_paged,
    c13_another_organizations_log_stays_unseen,
);

async fn entries(person: &Person<'_>, query: &str) -> Vec<Value> {
    let list = person.get(&format!("/audit-log{query}")).await.expect(200);
    list["data"].as_array().unwrap().clone()
}

fn actions(entries: &[Value]) -> Vec<&str> {
    entries.iter().map(|entry| entry["action"].as_str().unwrap()).collect()
}

async fn t5_a_refused_attempt_is_written_down(site: &Site) {
    let owner = site.newcomer().await;
    let (one, other) = (owner.hire(Role::Member).await, owner.hire(Role::Member).await);
    let task = one.task(json!({"title": "one's"})).await;
    let refusal = other.delete(&path_of(&task)).await;
    refusal.refused(403, "FORBIDDEN");

    let denied = entries(&owner, "?outcome=denied").await;
    assert_eq!(denied.len(), 1, "{denied:?}");
    let entry = &denied[0];
    assert_eq!(entry["action"], "task.access_denied");
    assert_eq!((&entry["actor_id"], &entry["actor_type"]), (&json!(other.id), &json!("user")));
    assert_eq!((&entry["target_type"], &entry["target_id"]), (&json!("task"), &task["id"]));
    assert_eq!(entry["ip_address"], "127.0.0.1");
    assert_eq!(entry["request_id"], refusal.header("x-request-id"));
    assert_eq!(entry["data"], json!({}));
}

async fn c13_what_people_do_to_their_accounts_is_written_down(site: &Site) {
    let owner = site.newcomer().await;
    owner.patch("/users/me", json!({"full_name": "Somebody Else"})).await.expect(200);
    site.login(&owner.email, PASSWORD).await.expect(200);
    owner.post("/organizations", json!({"name": "Second"})).await.expect(201);
    let found = entries(&owner, "").await;
    assert_eq!(actions(&found), ["user.login", "user.update", "user.signup"]);
    for entry in &found {
        assert_eq!((&entry["actor_id"], &entry["outcome"]), (&json!(owner.id), &json!("success")), "{entry}");
        assert_eq!((&entry["target_type"], &entry["target_id"]), (&json!("user"), &json!(owner.id)), "{entry}");
        assert!(entry["request_id"].is_string(), "{entry}");
    }
}

async fn c13_only_administrators_read_the_log(site: &Site) {
    let owner = site.newcomer().await;
    owner.hire(Role::Admin).await.get("/audit-log").await.expect(200);
    for role in [Role::Member, Role::Guest] {
        owner.hire(role).await.get("/audit-log").await.refused(403, "FORBIDDEN");
    }
    let denied = entries(&owner, "?action=audit_log.access_denied").await;
    assert_eq!(denied.len(), 2, "{denied:?}");
}

async fn c13_the_log_is_filtered_and_paged(site: &Site) {
    let owner = site.newcomer().await;
    for name in ["One", "Two", "Three"] {
        owner.patch("/users/me", json!({"full_name": name})).await.expect(200);
    }
    let updates = entries(&owner, "?action=user.update").await;
    assert_eq!(updates.len(), 3);
    let since = updates[1]["occurred_at"].as_str().unwrap();
    assert_eq!(entries(&owner, &format!("?from={since}")).await.len(), 2);
    assert_eq!(entries(&owner, &format!("?to={since}&actor_id={}", owner.id)).await.len(), 2);
    assert!(entries(&owner, "?actor_id=00000000-0000-7000-8000-000000000000").await.is_empty());

    let first = owner.get("/audit-log?limit=3").await.expect(200);
    assert_eq!((&first["total"], &first["count"]), (&json!(4), &json!(3)));
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = owner.get(&format!("/audit-log?limit=3&cursor={cursor}")).await.expect(200);
    assert_eq!((&rest["count"], &rest["next_cursor"]), (&json!(1), &Value::Null));
    owner.get("/audit-log?outcome=maybe").await.refused(422, "VALIDATION_ERROR");
}

async fn c13_another_organizations_log_stays_unseen(site: &Site) {
    let (ada, eve) = (site.newcomer().await, site.newcomer().await);
    ada.patch("/users/me", json!({"full_name": "Ada"})).await.expect(200);
    for entry in entries(&eve, "").await {
        assert_eq!(entry["actor_id"], json!(eve.id), "{entry}");
    }
    eve.within(&ada.own_organization).get("/audit-log").await.refused(404, "NOT_FOUND");
}
