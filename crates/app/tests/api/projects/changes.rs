//! Making, reading, changing and deleting projects, and who may.

use serde_json::{Value, json};
use tenantry_tenancy::Role;

use crate::on_both_databases;
use crate::site::{API, Site};

on_both_databases!(
    u4_a_project_is_made_read_changed_and_deleted,
    u4_what_is_wrong_with_a_project_is_named,
    a_project_is_made_once_under_its_key,
    a_project_changes_only_from_the_version_that_was_seen,
    c5_guests_read_projects_and_members_write_them,
);

async fn u4_a_project_is_made_read_changed_and_deleted(site: &Site) {
    let ada = site.newcomer().await;
    let made = ada.post("/projects", json!({"name": " Harbour "})).await;
    let project = made.expect(201);
    let id = project["id"].as_str().unwrap();
    assert_eq!(made.header("location"), format!("{API}/projects/{id}"));
    assert_eq!(made.header("etag"), "\"1\"");
    let expected = json!({
        "id": id, "organization_id": ada.own_organization, "name": "Harbour", "description": null, "is_active": true,
        "bucket_name": null, "storage_prefix": null, "metadata": {}, "created_at": project["created_at"],
        "updated_at": project["created_at"],
    });
    assert_eq!(project, expected);

    let path = format!("/projects/{id}");
    let change = json!({"description": "By the sea", "is_active": false, "bucket_name": "photos",
        "storage_prefix": "raw/2026", "metadata": {"a": [1, null]}});
    let changed = ada.ask("PUT", &path).json(&change).send().await;
    assert_eq!(changed.header("etag"), "\"2\"");
    let changed = changed.expect(200);
    for (member, value) in change.as_object().unwrap() {
        assert_eq!(changed[member], *value, "{changed}");
    }
    assert_eq!(changed["name"], "Harbour");
    let clear = json!({"description": null, "bucket_name": null, "storage_prefix": null, "metadata": null});
    let cleared = ada.patch(&path, clear).await.expect(200);
    let empty = [&Value::Null, &Value::Null, &Value::Null, &json!({})];
    let found = ["description", "bucket_name", "storage_prefix", "metadata"].map(|member| &cleared[member]);
    assert_eq!(found, empty, "{cleared}");
    assert_eq!(ada.get(&path).await.expect(200), cleared);

    assert_eq!(ada.delete(&path).await.expect(204), Value::Null);
    ada.get(&path).await.refused(404, "NOT_FOUND");
    ada.patch(&path, json!({"name": "x"})).await.refused(404, "NOT_FOUND");
    ada.delete(&path).await.refused(404, "NOT_FOUND");
}

async fn u4_what_is_wrong_with_a_project_is_named(site: &Site) {
    let ada = site.newcomer().await;
    let bad = json!({"name": " ", "description": "x".repeat(5_001), "bucket_name": "No", "storage_prefix": "../up",
        "metadata": {"a": "x".repeat(17_000)}});
    let problem = ada.post("/projects", bad).await.refused(422, "VALIDATION_ERROR");
    let fields: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|error| &error["field"]).collect();
    assert_eq!(fields, ["name", "description", "bucket_name", "storage_prefix", "metadata"]);
    ada.post("/projects", json!({})).await.blames(422, "VALIDATION_ERROR", "name");
    let path = format!("/projects/{}", ada.project("ours").await);
    ada.patch(&path, json!({"name": null})).await.blames(422, "VALIDATION_ERROR", "name");
    ada.patch(&path, json!({"is_active": null})).await.blames(422, "VALIDATION_ERROR", "is_active");
    assert_eq!(site.rows("projects").await, 1);
}

async fn a_project_is_made_once_under_its_key(site: &Site) {
    let ada = site.newcomer().await;
    let send = async |name: &str| {
        ada.ask("POST", "/projects").header("idempotency-key", "p-1").json(&json!({"name": name})).send().await
    };
    let (first, second) = (send("ours").await, send("ours").await);
    assert_eq!((first.expect(201), first.bytes), (second.expect(201), second.bytes.clone()));
    assert_eq!(second.header("idempotent-replayed"), "true");
    send("other").await.refused(422, "IDEMPOTENCY_KEY_REUSED");
    assert_eq!(site.rows("projects").await, 1);
}

async fn a_project_changes_only_from_the_version_that_was_seen(site: &Site) {
    let ada = site.newcomer().await;
    let path = format!("/projects/{}", ada.project("ours").await);
    let change = |tag: &'static str| ada.ask("PATCH", &path).header("if-match", tag).json(&json!({"name": "new"}));
    change("\"1\"").send().await.expect(200);
    change("\"1\"").send().await.refused(412, "PRECONDITION_FAILED");
    ada.ask("DELETE", &path).header("if-match", "\"1\"").send().await.refused(412, "PRECONDITION_FAILED");
    let read = ada.ask("GET", &path).header("if-none-match", "\"2\"").send().await;
    assert_eq!((read.status, read.bytes.len()), (304, 0));
    ada.ask("DELETE", &path).header("if-match", "\"2\"").send().await.expect(204);
}

async fn c5_guests_read_projects_and_members_write_them(site: &Site) {
    let owner = site.newcomer().await;
    let path = format!("/projects/{}", owner.project("ours").await);
    let guest = owner.hire(Role::Guest).await;
    assert_eq!(guest.get(&path).await.expect(200)["name"], "ours");
    assert_eq!(guest.get("/projects").await.expect(200)["total"], 1);
    guest.post("/projects", json!({"name": "x"})).await.refused(403, "FORBIDDEN");
    guest.patch(&path, json!({"name": "x"})).await.refused(403, "FORBIDDEN");
    guest.delete(&path).await.refused(403, "FORBIDDEN");
    let member = owner.hire(Role::Member).await;
    member.patch(&path, json!({"name": "theirs too"})).await.expect(200);
    member.delete(&path).await.expect(204);
    let stranger = site.newcomer().await;
    let path = format!("/projects/{}", owner.project("ours").await);
    stranger.get(&path).await.refused(404, "NOT_FOUND");
    stranger.patch(&path, json!({"name": "x"})).await.refused(404, "NOT_FOUND");
    stranger.delete(&path).await.refused(404, "NOT_FOUND");
}
