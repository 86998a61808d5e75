//! Making, reading, changing and deleting cycles.

use serde_json::{Value, json};

use crate::on_both_databases;
use crate::site::{API, Site};

on_both_databases!(
    u5_a_cycle_is_made_read_changed_and_deleted,
    u5_what_is_wrong_with_a_cycle_is_named,
    u5_a_number_is_taken_once_in_a_project,
    u5_a_cycle_goes_with_its_project_and_takes_its_sessions_along,
);

async fn u5_a_cycle_is_made_read_changed_and_deleted(site: &Site) {
    let ada = site.newcomer().await;
    let project = ada.project("Harbour").await;
    let made = ada.post("/cycles", json!({"project_id": project, "cycle_name": " Spring ", "cycle_number": 3})).await;
    let cycle = made.expect(201);
    let id = cycle["id"].as_str().unwrap();
    assert_eq!(made.header("location"), format!("{API}/cycles/{id}"));
    let expected = json!({
        "id": id, "organization_id": ada.own_organization, "project_id": project, "cycle_name": "Spring",
        "cycle_number": 3, "s3_prefix": null, "status": "planned", "description": null, "metadata": {},
        "started_at": null, "completed_at": null, "created_at": cycle["created_at"], "updated_at": cycle["created_at"],
    });
    assert_eq!(cycle, expected);
    let path = format!("/cycles/{id}");
    let change = json!({"status": "completed", "s3_prefix": "2026/spring", "description": "By the sea",
        "metadata": {"a": 1}, "started_at": "2026-03-01T00:00:00Z", "completed_at": "2026-04-01T00:00:00Z"});
    let changed = ada.ask("PUT", &path).json(&change).send().await.expect(200);
    for (member, value) in change.as_object().unwrap() {
        assert_eq!(changed[member], *value, "{changed}");
    }
    let cleared = ada.patch(&path, json!({"s3_prefix": null, "started_at": null})).await.expect(200);
    assert_eq!((&cleared["s3_prefix"], &cleared["started_at"]), (&Value::Null, &Value::Null));
    let list = ada.get(&format!("/cycles?project_id={project}&status=completed")).await.expect(200);
    assert_eq!((&list["total"], &list["data"][0]), (&json!(1), &cleared));
    assert_eq!(ada.get("/cycles?status=archived").await.expect(200)["total"], 0);
    ada.delete(&path).await.expect(204);
    ada.get(&path).await.refused(404, "NOT_FOUND");
}

async fn u5_what_is_wrong_with_a_cycle_is_named(site: &Site) {
    let ada = site.newcomer().await;
    let project = ada.project("Harbour").await;
    let bad =
        json!({"project_id": project, "cycle_name": " ", "cycle_number": 0, "s3_prefix": "../up", "status": "new"});
    let problem = ada.post("/cycles", bad).await.refused(422, "VALIDATION_ERROR");
    let fields: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|error| &error["field"]).collect();
    assert_eq!(fields, ["cycle_name", "cycle_number", "s3_prefix", "status"]);
    let foreign = site.newcomer().await.project("Theirs").await;
    let cycle = json!({"project_id": foreign, "cycle_name": "a", "cycle_number": 1});
    ada.post("/cycles", cycle).await.blames(422, "VALIDATION_ERROR", "project_id");
}

async fn u5_a_number_is_taken_once_in_a_project(site: &Site) {
    let ada = site.newcomer().await;
    let (project, other) = (ada.project("One").await, ada.project("Other").await);
    let cycle = |project: &str, number: u32| json!({"project_id": project, "cycle_name": "a", "cycle_number": number});
    ada.post("/cycles", cycle(&project, 1)).await.expect(201);
    ada.post("/cycles", cycle(&other, 1)).await.expect(201);
    ada.post("/cycles", cycle(&project, 1)).await.blames(409, "CYCLE_NUMBER_TAKEN", "cycle_number");
    let second = ada.post("/cycles", cycle(&project, 2)).await.expect(201);
    let path = format!("/cycles/{}", second["id"].as_str().unwrap());
    ada.patch(&path, json!({"cycle_number": 1})).await.refused(409, "CYCLE_NUMBER_TAKEN");
    assert_eq!(ada.get(&path).await.expect(200), second);
}

async fn u5_a_cycle_goes_with_its_project_and_takes_its_sessions_along(site: &Site) {
    let ada = site.newcomer().await;
    let (project, other) = (ada.project("One").await, ada.project("Other").await);
    let made = async |number: u32| {
        let cycle = json!({"project_id": project, "cycle_name": "a", "cycle_number": number});
        let cycle = ada.post("/cycles", cycle).await.expect(201)["id"].as_str().unwrap().to_owned();
        let session = json!({"project_id": project, "cycle_id": cycle, "local_directory": site.synced.path()});
        let session = ada.post("/sessions", session).await.expect(201)["id"].as_str().unwrap().to_owned();
        (format!("/cycles/{cycle}"), format!("/sessions/{session}"))
    };
    let ((first, of_first), (second, of_second)) = (made(1).await, made(2).await);
    ada.patch(&first, json!({"project_id": other})).await.refused(409, "CONFLICT");
    ada.delete(&first).await.expect(204);
    ada.get(&of_first).await.refused(404, "NOT_FOUND");
    ada.get(&of_second).await.expect(200);
    ada.delete(&format!("/projects/{project}")).await.expect(204);
    ada.get(&second).await.refused(404, "NOT_FOUND");
    ada.get(&of_second).await.refused(404, "NOT_FOUND");
}
