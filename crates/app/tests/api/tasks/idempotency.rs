//! `Idempotency-Key`: what is sent twice is done once.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::on_both_databases;
use crate::person::Person;
use crate::site::Site;

on_both_databases!(
    the_first_answer_is_given_again,
    another_request_under_the_same_key_is_refused,
    twenty_at_once_make_one_task,
    keys_belong_to_their_user,
    a_failed_request_releases_its_key,
    bad_keys_are_refused,
    organizations_are_founded_once,
);

async fn post(person: &Person<'_>, key: &str, body: &Value) -> Answer {
    person.ask("POST", "/tasks").header("idempotency-key", key).json(body).send().await
}

async fn the_first_answer_is_given_again(site: &Site) {
    let ada = site.newcomer().await;
    let body = json!({"title": "once"});
    let first = post(&ada, "key-1", &body).await;
    let task = first.expect(201);
    assert_eq!(first.header("idempotent-replayed"), "");
    ada.patch(&format!("/tasks/{}", task["id"].as_str().unwrap()), json!({"title": "changed"})).await.expect(200);
    for _ in 0..2 {
        let again = post(&ada, "key-1", &body).await;
        assert_eq!((again.expect(201), again.header("idempotent-replayed")), (task.clone(), "true"));
        for name in ["location", "etag", "content-type"] {
            assert_eq!(again.header(name), first.header(name));
        }
    }
    assert_ne!(post(&ada, "key-2", &body).await.expect(201)["id"], task["id"]);
    assert_eq!(site.rows("tasks").await, 2);
}

async fn another_request_under_the_same_key_is_refused(site: &Site) {
    let ada = site.newcomer().await;
    let body = json!({"title": "once"});
    post(&ada, "key", &body).await.expect(201);
    post(&ada, "key", &json!({"title": "other"})).await.refused(422, "IDEMPOTENCY_KEY_REUSED");
    let second = ada.found("Second").await;
    post(&ada.within(&second), "key", &body).await.refused(422, "IDEMPOTENCY_KEY_REUSED");
    let organization = ada.ask("POST", "/organizations").header("idempotency-key", "key").json(&json!({"name": "x"}));
    organization.send().await.refused(422, "IDEMPOTENCY_KEY_REUSED");
    assert_eq!(site.rows("tasks").await, 1);
}

async fn twenty_at_once_make_one_task(site: &Site) {
    let ada = site.newcomer().await;
    let body = json!({"title": "once"});
    let answers = join_all((0..20).map(|_| post(&ada, "key", &body))).await;
    let mut ids = Vec::new();
    for answer in &answers {
        match answer.status {
            201 => ids.push(answer.json()["id"].clone()),
            _ => drop(answer.refused(409, "REQUEST_IN_PROGRESS")),
        }
    }
    assert!(!ids.is_empty() && ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert_eq!(site.rows("tasks").await, 1);
    assert_eq!(post(&ada, "key", &body).await.expect(201)["id"], ids[0]);
}

async fn keys_belong_to_their_user(site: &Site) {
    let (ada, bob) = (site.newcomer().await, site.newcomer().await);
    let body = json!({"title": "mine"});
    let (one, other) = (post(&ada, "key", &body).await, post(&bob, "key", &body).await);
    assert_eq!(
        (one.expect(201)["user_id"].as_str(), other.expect(201)["user_id"].as_str()),
        (Some(&*ada.id), Some(&*bob.id))
    );
    assert_eq!((other.header("idempotent-replayed"), site.rows("tasks").await), ("", 2));
}

async fn a_failed_request_releases_its_key(site: &Site) {
    let ada = site.newcomer().await;
    let nobody = "0199a000-0000-7000-8000-000000000000";
    for bad in [json!({"title": ""}), json!({"title": "x", "assignee_id": nobody}), json!({"colour": "red"})] {
        post(&ada, "key", &bad).await.refused(422, "VALIDATION_ERROR");
    }
    assert_eq!(site.rows("idempotency_keys").await, 0);
    post(&ada, "key", &json!({"title": "good"})).await.expect(201);
    assert_eq!((site.rows("tasks").await, site.rows("idempotency_keys").await), (1, 1));
}

async fn bad_keys_are_refused(site: &Site) {
    let ada = site.newcomer().await;
    let body = json!({"title": "x"});
    for key in ["", "a b", &"x".repeat(256), "é"] {
        post(&ada, key, &body).await.refused(400, "MALFORMED_REQUEST");
    }
    assert_eq!(site.rows("tasks").await, 0);
    post(&ada, &"x".repeat(255), &body).await.expect(201);
}

async fn organizations_are_founded_once(site: &Site) {
    let ada = site.newcomer().await;
    let body = json!({"name": "Second"});
    let found = || ada.ask("POST", "/organizations").header("idempotency-key", "key").json(&body).send();
    let answers = join_all((0..10).map(|_| found())).await;
    assert!(answers.iter().all(|answer| matches!(answer.status, 201 | 409)), "{answers:?}");
    let again = found().await;
    assert_eq!((again.status, again.header("idempotent-replayed")), (201, "true"));
    assert_eq!(site.rows("organizations").await, 2);
}
