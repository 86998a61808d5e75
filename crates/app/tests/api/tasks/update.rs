//! T1: tasks change.

use serde_json::{Value, json};

use crate::on_both_databases;
use crate::person::path_of;
use crate::site::Site;

on_both_databases!(t1_put_and_patch_are_the_same, null_clears_what_may_be_empty, a_bad_change_changes_nothing);

async fn t1_put_and_patch_are_the_same(site: &Site) {
    let ada = site.newcomer().await;
    let project = ada.project("Oven").await;
    for method in ["PUT", "PATCH"] {
        let task = ada.task(json!({"title": "x", "description": "y", "priority": 2, "labels": ["a"]})).await;
        let change = async |body: Value| ada.ask(method, &path_of(&task)).json(&body).send().await.expect(200);
        // What is left out stays.
        let changed = change(json!({"title": " z "})).await;
        for member in ["id", "user_id", "description", "priority", "labels", "status", "created_at"] {
            assert_eq!(changed[member], task[member], "{changed}");
        }
        assert_eq!(changed["title"], "z");
        assert!(changed["updated_at"].as_str() > task["updated_at"].as_str(), "{changed}");
        let all = json!({
            "title": "t", "description": "d", "status": "Completed", "project_id": project, "assignee_id": ada.id,
            "priority": 4, "due_at": "2026-02-01T00:00:00Z", "labels": ["b", "c"],
        });
        let changed = change(all.clone()).await;
        for (member, value) in all.as_object().unwrap() {
            assert_eq!(&changed[member], value, "{changed}");
        }
        assert!(changed["completed_at"].is_string(), "{changed}");
        assert_eq!(ada.get(&path_of(&task)).await.expect(200), changed);
        let opened = change(json!({"status": "Pending"})).await;
        assert_eq!(opened["completed_at"], Value::Null);
    }
}

async fn null_clears_what_may_be_empty(site: &Site) {
    let ada = site.newcomer().await;
    let project = ada.project("Oven").await;
    let full = json!({
        "title": "t", "description": "d", "project_id": project, "assignee_id": ada.id, "due_at": "2026-02-01T00:00:00Z",
        "labels": ["a"],
    });
    let task = ada.task(full).await;
    for (member, cleared) in [
        ("description", Value::Null),
        ("project_id", Value::Null),
        ("assignee_id", Value::Null),
        ("due_at", Value::Null),
        ("labels", json!([])),
    ] {
        let changed = ada.patch(&path_of(&task), json!({member: null})).await.expect(200);
        assert_eq!(changed[member], cleared, "{changed}");
    }
    for member in ["title", "status", "priority"] {
        ada.patch(&path_of(&task), json!({member: null})).await.blames(422, "VALIDATION_ERROR", member);
    }
}

async fn a_bad_change_changes_nothing(site: &Site) {
    let ada = site.newcomer().await;
    let task = ada.task(json!({"title": "x"})).await;
    for (body, field) in [
        (json!({"title": "good", "priority": 9}), "priority"),
        (json!({"title": ""}), "title"),
        (json!({"title": 7}), "title"),
        (json!({"completed_at": "2026-02-01T00:00:00Z"}), "completed_at"),
        (json!({"user_id": ada.id}), "user_id"),
        (json!({"organization_id": ada.own_organization}), "organization_id"),
        (json!({"id": ada.id}), "id"),
    ] {
        ada.patch(&path_of(&task), body).await.blames(422, "VALIDATION_ERROR", field);
    }
    assert_eq!(ada.get(&path_of(&task)).await.expect(200), task);
}
