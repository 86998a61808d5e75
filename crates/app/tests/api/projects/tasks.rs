//! Projects and the tasks in them.

use futures_util::future::join;
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::person::path_of;
use crate::site::Site;

on_both_databases!(u4_tasks_stay_when_their_project_goes, no_task_slips_into_a_project_that_goes);

async fn u4_tasks_stay_when_their_project_goes(site: &Site) {
    let ada = site.newcomer().await;
    let (gone, kept) = (ada.project("gone").await, ada.project("kept").await);
    let inside = ada.task(json!({"title": "inside", "project_id": gone})).await;
    let elsewhere = ada.task(json!({"title": "elsewhere", "project_id": kept})).await;
    ada.delete(&format!("/projects/{gone}")).await.expect(204);
    let left = ada.get(&path_of(&inside)).await;
    assert_eq!(left.header("etag"), "\"2\"");
    assert_eq!(left.expect(200)["project_id"], Value::Null);
    assert_eq!(ada.get(&path_of(&elsewhere)).await.expect(200), elsewhere);
    let late = ada.post("/tasks", json!({"title": "late", "project_id": gone})).await;
    late.blames(422, "VALIDATION_ERROR", "project_id");
    assert_eq!(ada.get(&format!("/tasks?project_id={gone}")).await.expect(200)["total"], 0);
}

async fn no_task_slips_into_a_project_that_goes(site: &Site) {
    let ada = site.newcomer().await;
    for _ in 0..12 {
        let project = ada.project("short-lived").await;
        let path = format!("/projects/{project}");
        let body = json!({"title": "slips in", "project_id": project});
        let (made, gone) = join(ada.post("/tasks", body), ada.delete(&path)).await;
        gone.expect(204);
        if made.status == 201 {
            assert_eq!(ada.get(&path_of(&made.json())).await.expect(200)["project_id"], Value::Null, "{made}");
        } else {
            made.blames(422, "VALIDATION_ERROR", "project_id");
        }
    }
}
