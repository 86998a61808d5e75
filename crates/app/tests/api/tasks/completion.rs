//! T1: tasks are completed and opened again.

use serde_json::{Value, json};

use crate::on_both_databases;
use crate::person::path_of;
use crate::site::Site;

on_both_databases!(t1_without_a_body_completion_toggles, a_body_says_which, bad_bodies_are_refused);

async fn t1_without_a_body_completion_toggles(site: &Site) {
    let ada = site.newcomer().await;
    let task = ada.task(json!({"title": "x"})).await;
    let path = format!("{}/complete", path_of(&task));
    let toggle = async || ada.ask("PATCH", &path).send().await.expect(200);
    let completed = toggle().await;
    assert_eq!((&completed["status"], completed["completed_at"].is_string()), (&json!("Completed"), true));
    let opened = toggle().await;
    assert_eq!((&opened["status"], &opened["completed_at"]), (&json!("Pending"), &Value::Null));
    assert_eq!(toggle().await["status"], "Completed");
    assert_eq!(ada.get(&path_of(&task)).await.expect(200)["status"], "Completed");
}

async fn a_body_says_which(site: &Site) {
    let ada = site.newcomer().await;
    let task = ada.task(json!({"title": "x"})).await;
    let path = format!("{}/complete", path_of(&task));
    let mut times = Vec::new();
    for completed in [true, true, false, false, true] {
        let task = ada.patch(&path, json!({"completed": completed})).await.expect(200);
        assert_eq!(task["status"], if completed { "Completed" } else { "Pending" });
        times.push(task["completed_at"].clone());
    }
    // Completing what is complete keeps the time.
    assert_eq!(times[0], times[1]);
}

async fn bad_bodies_are_refused(site: &Site) {
    let ada = site.newcomer().await;
    let task = ada.task(json!({"title": "x"})).await;
    let path = format!("{}/complete", path_of(&task));
    ada.patch(&path, json!({"completed": "yes"})).await.blames(422, "VALIDATION_ERROR", "completed");
    ada.patch(&path, json!({"completed": null})).await.blames(422, "VALIDATION_ERROR", "completed");
    ada.patch(&path, json!({})).await.blames(422, "VALIDATION_ERROR", "completed");
    ada.patch(&path, json!({"done": true})).await.blames(422, "VALIDATION_ERROR", "done");
    ada.ask("PATCH", &path).raw("{").send().await.refused(400, "MALFORMED_REQUEST");
    assert_eq!(ada.get(&path_of(&task)).await.expect(200), task);
}
