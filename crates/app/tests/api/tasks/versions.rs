//! Versions: `ETag`, `If-Match`, `If-None-Match`.

use serde_json::json;

use crate::on_both_databases;
use crate::person::path_of;
use crate::site::Site;

on_both_databases!(every_single_task_has_a_version, stale_versions_change_nothing, one_of_two_concurrent_changes_wins);

async fn every_single_task_has_a_version(site: &Site) {
    let ada = site.newcomer().await;
    let made = ada.post("/tasks", json!({"title": "x"})).await;
    let path = path_of(&made.expect(201));
    let read = ada.get(&path).await;
    let tag = read.header("etag");
    assert!(tag.len() > 2 && tag == made.header("etag"), "{read}");
    for known in [tag.to_owned(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".to_owned()] {
        for method in ["GET", "HEAD"] {
            let answer = ada.ask(method, &path).header("if-none-match", &known).send().await;
            assert_eq!((answer.status, answer.bytes.len(), answer.header("etag")), (304, 0, tag), "{answer}");
        }
    }
    let changed = ada.patch(&path, json!({"title": "y"})).await;
    changed.expect(200);
    assert_ne!(changed.header("etag"), tag);
    let newer = ada.ask("GET", &path).header("if-none-match", tag).send().await;
    assert_eq!((newer.expect(200)["title"].as_str(), newer.header("etag")), (Some("y"), changed.header("etag")));
    let completed = ada.ask("PATCH", &format!("{path}/complete")).send().await;
    completed.expect(200);
    assert_ne!(completed.header("etag"), changed.header("etag"));
}

async fn stale_versions_change_nothing(site: &Site) {
    let ada = site.newcomer().await;
    let made = ada.post("/tasks", json!({"title": "x"})).await;
    let path = path_of(&made.expect(201));
    let stale = made.header("etag").to_owned();
    let current = ada.patch(&path, json!({"title": "y"})).await.header("etag").to_owned();
    let requests = [
        ("PATCH", path.clone()),
        ("PUT", path.clone()),
        ("PATCH", format!("{path}/complete")),
        ("DELETE", path.clone()),
    ];
    for (method, path) in &requests {
        let send = async |tag: &str| {
            let ask = ada.ask(method, path).header("if-match", tag);
            if path.ends_with("complete") || *method == "DELETE" {
                ask.send().await
            } else {
                ask.json(&json!({"title": "z"})).send().await
            }
        };
        for tag in [stale.as_str(), "\"99\"", "\"x\"", &format!("W/{current}"), "\"\""] {
            send(tag).await.refused(412, "PRECONDITION_FAILED");
        }
        for tag in ["x", "", "\"open"] {
            send(tag).await.refused(400, "MALFORMED_REQUEST");
        }
    }
    assert_eq!(ada.get(&path).await.expect(200)["title"], "y");
    let change =
        ada.ask("PATCH", &path).header("if-match", &format!("{stale}, {current}")).json(&json!({"title": "z"}));
    change.send().await.expect(200);
    ada.ask("DELETE", &path).header("if-match", "*").send().await.expect(204);
}

async fn one_of_two_concurrent_changes_wins(site: &Site) {
    let ada = site.newcomer().await;
    let made = ada.post("/tasks", json!({"title": "x"})).await;
    let path = path_of(&made.expect(201));
    let change = |number: i32| {
        let body = json!({"title": format!("{number}")});
        ada.ask("PATCH", &path).header("if-match", made.header("etag")).json(&body).send()
    };
    let answers = futures_util::future::join_all((0..10).map(change)).await;
    let changed: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
    assert_eq!(changed.len(), 1);
    answers
        .iter()
        .filter(|answer| answer.status != 200)
        .for_each(|answer| drop(answer.refused(412, "PRECONDITION_FAILED")));
    assert_eq!(ada.get(&path).await.expect(200), changed[0].json());
}
