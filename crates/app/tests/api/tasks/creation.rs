//! T1, T2, T6: tasks are made, read and deleted.

use serde_json::{Value, json};

use crate::on_both_databases;
use crate::person::path_of;
use crate::site::{API, Site};

on_both_databases!(
    t1_a_task_is_made_read_and_deleted,
    t2_all_fields_come_back_as_they_are_stored,
    t2_lengths_count_characters_after_trimming,
    t6_bad_fields_are_named_in_their_order,
    references_to_what_is_not_there_are_refused,
    t8_what_is_no_task_is_not_found,
    t8_other_bodies_are_refused,
);

async fn t1_a_task_is_made_read_and_deleted(site: &Site) {
    let ada = site.newcomer().await;
    let made = ada.post("/tasks", json!({"title": "Buy milk"})).await;
    let task = made.expect(201);
    let path = path_of(&task);
    assert_eq!(made.header("location"), format!("{API}{path}"));
    let expected = json!({
        "id": task["id"], "user_id": ada.id, "organization_id": ada.own_organization, "project_id": null,
        "assignee_id": null, "title": "Buy milk", "description": null, "status": "Pending",
        "priority": 0, "due_at": null, "labels": [], "completed_at": null,
        "created_at": task["created_at"], "updated_at": task["created_at"],
    });
    for (member, value) in expected.as_object().unwrap() {
        assert_eq!(&task[member], value, "{member} of {task}");
    }
    assert_eq!(site.at("GET", made.header("location")).bearer(&ada.access_token).send().await.expect(200), task);
    let gone = ada.delete(&path).await;
    assert_eq!((gone.status, gone.bytes.len()), (204, 0));
    ada.get(&path).await.refused(404, "NOT_FOUND");
    ada.delete(&path).await.refused(404, "NOT_FOUND");
    assert_eq!((ada.get("/tasks").await.expect(200)["total"].clone(), site.rows("tasks").await), (json!(0), 0));
}

async fn t2_all_fields_come_back_as_they_are_stored(site: &Site) {
    let ada = site.newcomer().await;
    let project = ada.project("Oven").await;
    let sent = json!({
        "title": "  <b>Über</b> '; DROP TABLE tasks; -- 🦀  ", "description": "line\n\ttab\r\n\\u0000 & \"quotes\"",
        "status": "Completed", "project_id": project, "assignee_id": ada.id, "priority": 4,
        "due_at": "2026-01-31T11:30:00.123456+01:30", "labels": ["web", "shop", "web"],
    });
    let task = ada.task(sent.clone()).await;
    assert_eq!(task["title"], "<b>Über</b> '; DROP TABLE tasks; -- 🦀");
    for member in ["description", "status", "project_id", "assignee_id", "priority"] {
        assert_eq!(task[member], sent[member], "{task}");
    }
    assert_eq!(task["due_at"], "2026-01-31T10:00:00.123456Z");
    assert!(task["completed_at"].is_string(), "{task}");
    assert_eq!(ada.get(&path_of(&task)).await.expect(200), task);
    assert_eq!(ada.get("/tasks").await.expect(200)["data"], json!([task]));
}

async fn t2_lengths_count_characters_after_trimming(site: &Site) {
    let ada = site.newcomer().await;
    let long = |count: usize| "🦀".repeat(count);
    ada.task(json!({"title": format!("  {}\n", long(200)), "description": long(1_000)})).await;
    ada.task(json!({"title": "x", "labels": (0..20).map(|n| format!("{}{n:02}", long(48))).collect::<Vec<_>>()})).await;
    for (body, field) in [
        (json!({"title": long(201)}), "title"),
        (json!({"title": ""}), "title"),
        (json!({"title": " \n\t "}), "title"),
        (json!({"title": "bell\u{7}"}), "title"),
        (json!({"title": "x", "description": long(1_001)}), "description"),
        (json!({"title": "x", "description": "nul\u{0}"}), "description"),
        (json!({"title": "x", "labels": (0..21).map(|n| n.to_string()).collect::<Vec<_>>()}), "labels"),
        (json!({"title": "x", "labels": [long(51)]}), "labels"),
        (json!({"title": "x", "labels": [""]}), "labels"),
        (json!({"title": "x", "status": "pending"}), "status"),
        (json!({"title": "x", "priority": 5}), "priority"),
        (json!({"title": "x", "priority": -1}), "priority"),
        (json!({"title": "x", "due_at": "tomorrow"}), "due_at"),
        (json!({"title": "x", "due_at": "2026-01-31T10:00:00"}), "due_at"),
    ] {
        let problem = ada.post("/tasks", body).await.refused(422, "VALIDATION_ERROR");
        assert!(problem["details"]["field"].as_str().unwrap().starts_with(field), "{problem}");
    }
    assert_eq!(site.rows("tasks").await, 2);
}

async fn t6_bad_fields_are_named_in_their_order(site: &Site) {
    let ada = site.newcomer().await;
    let body = json!({"priority": 9, "status": "Done", "description": "\u{7}", "title": " "});
    let answer = ada.post("/tasks", body).await;
    let problem = answer.blames(422, "VALIDATION_ERROR", "title");
    let errors = problem["errors"].as_array().unwrap();
    let fields: Vec<&Value> = errors.iter().map(|error| &error["field"]).collect();
    assert_eq!(fields, ["title", "description", "status", "priority"]);
    assert_eq!((&problem["details"], &problem["message"]), (&errors[0], &errors[0]["error"]));
    assert_eq!(problem["instance"], format!("{API}/tasks"));
}

async fn references_to_what_is_not_there_are_refused(site: &Site) {
    let (ada, eve) = (site.newcomer().await, site.newcomer().await);
    let (project, theirs) = (ada.project("ours").await, eve.project("theirs").await);
    let nobody = "0199a000-0000-7000-8000-000000000000";
    let task = ada.task(json!({"title": "x", "project_id": project, "assignee_id": ada.id})).await;
    for (field, id) in
        [("project_id", nobody), ("project_id", &theirs), ("assignee_id", nobody), ("assignee_id", &eve.id)]
    {
        ada.post("/tasks", json!({"title": "x", field: id})).await.blames(422, "VALIDATION_ERROR", field);
        ada.patch(&path_of(&task), json!({field: id})).await.blames(422, "VALIDATION_ERROR", field);
        ada.post("/tasks", json!({"title": "x", field: "seven"})).await.blames(422, "VALIDATION_ERROR", field);
    }
    assert_eq!(ada.get(&path_of(&task)).await.expect(200), task);
    assert_eq!(site.rows("tasks").await, 1);
}

async fn t8_what_is_no_task_is_not_found(site: &Site) {
    let ada = site.newcomer().await;
    for id in ["0199a000-0000-7000-8000-000000000000", "seven", "1", "%00", "..", "' OR 1=1 --"] {
        let path = format!("/tasks/{}", id.replace(' ', "%20"));
        for method in ["GET", "PUT", "PATCH", "DELETE"] {
            let answer = ada.ask(method, &path).json(&json!({"title": "x"})).send().await;
            // `/tasks/..` is `/` by the time it is sent.
            assert!(matches!(answer.status, 404 | 405), "{answer}");
        }
    }
}

async fn t8_other_bodies_are_refused(site: &Site) {
    let ada = site.newcomer().await;
    let send = async |media_type: &str, body: &str| {
        ada.ask("POST", "/tasks").header("content-type", media_type).bytes(body).send().await
    };
    send("application/json; charset=utf-8", r#"{"title": "x"}"#).await.expect(201);
    for media_type in ["text/plain", "application/xml", "application/x-www-form-urlencoded", ""] {
        send(media_type, r#"{"title": "x"}"#).await.refused(415, "UNSUPPORTED_MEDIA_TYPE");
    }
    for body in ["", "{", "title=x", "{\"title\": \"x\"}}", "{'title': 'x'}"] {
        send("application/json", body).await.refused(400, "MALFORMED_REQUEST");
    }
    for body in ["null", "[]", "\"x\"", "7", r#"[{"title": "x"}]"#] {
        send("application/json", body).await.refused(422, "VALIDATION_ERROR");
    }
    send("application/json", r#"{"title": "x", "user_id": "y"}"#).await.blames(422, "VALIDATION_ERROR", "user_id");
    assert_eq!(site.rows("tasks").await, 1);
}
