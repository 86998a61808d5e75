//! L8, T11: too many requests are refused, by address, user and organisation, on one node and on several.

use serde_json::json;
use tenantry_testkit::RedisServer;

use crate::answer::Answer;
use crate::on_both_databases;
use crate::person::Person;
use crate::site::{PASSWORD, Site};

on_both_databases!(
    a_user_who_asks_too_often_is_told_when_to_come_back,
    what_changes_something_counts_twice,
    an_organization_is_limited_over_all_its_members,
    sign_in_has_a_limit_of_its_own_for_an_address,
    u12_bytes_of_files_have_a_limit_of_their_own,
    nodes_with_one_redis_count_together,
);

const PER_USER: &str = "TENANTRY__RATE_LIMIT__PER_USER_PER_MINUTE";
const UPLOAD: &str = "TENANTRY__RATE_LIMIT__UPLOAD_PER_ADDRESS_PER_MINUTE";
const PER_ORGANIZATION: &str = "TENANTRY__RATE_LIMIT__PER_ORGANIZATION_PER_MINUTE";
const SIGN_IN: &str = "TENANTRY__RATE_LIMIT__SIGN_IN_PER_ADDRESS_PER_MINUTE";

fn refused(answer: &Answer, rule: &str) {
    answer.refused(429, "RATE_LIMITED");
    let wait: u64 = answer.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&wait), "{answer}");
    assert_eq!(answer.header("ratelimit"), format!("\"{rule}\";r=0;t={wait}"), "{answer}");
}

async fn a_user_who_asks_too_often_is_told_when_to_come_back(site: &Site) {
    let strict = site.another(&[(PER_USER, "4")]).await;
    let ada = Person::sign_up(&strict, "ada").await;
    let bob = Person::sign_up(&strict, "bob").await;
    for left in [3, 2, 1, 0] {
        let answer = ada.get("/tasks").await;
        answer.expect(200);
        assert_eq!(answer.header("ratelimit-policy"), "\"user\";q=4;w=60");
        assert!(answer.header("ratelimit").starts_with(&format!("\"user\";r={left};t=")), "{answer}");
    }
    refused(&ada.get("/tasks").await, "user");
    refused(&ada.get("/auth/me").await, "user");
    bob.get("/tasks").await.expect(200);
    // What nobody has to be known for is not counted by user.
    strict.ask("GET", "/health").send().await.expect(200);
    strict.stop().await;
}

async fn what_changes_something_counts_twice(site: &Site) {
    let strict = site.another(&[(PER_USER, "5")]).await;
    let ada = Person::sign_up(&strict, "ada").await;
    let post = || ada.post("/tasks", json!({"title": "t"}));
    post().await.expect(201);
    post().await.expect(201);
    refused(&post().await, "user");
    strict.stop().await;
}

async fn an_organization_is_limited_over_all_its_members(site: &Site) {
    let strict = site.another(&[(PER_ORGANIZATION, "3")]).await;
    let ada = Person::sign_up(&strict, "ada").await;
    let bob = ada.hire(tenantry_tenancy::Role::Member).await;
    for person in [&ada, &bob, &ada] {
        person.get("/tasks").await.expect(200);
    }
    refused(&bob.get("/tasks").await, "organization");
    // Elsewhere bob works on.
    bob.within(&bob.own_organization).get("/tasks").await.expect(200);
    strict.stop().await;
}

async fn sign_in_has_a_limit_of_its_own_for_an_address(site: &Site) {
    let page = "http://localhost:3000";
    let strict = site.another(&[(SIGN_IN, "8"), ("TENANTRY__CORS__ALLOWED_ORIGINS", page)]).await;
    let ada = Person::sign_up(&strict, "ada").await;
    for _ in 0..3 {
        strict.login(&ada.email, PASSWORD).await.expect(200);
    }
    refused(&strict.login(&ada.email, PASSWORD).await, "sign-in");
    // A page can read why.
    let login = strict.ask("POST", "/auth/login").header("origin", page);
    let answer = login.json(&json!({"email": ada.email, "password": PASSWORD})).send().await;
    refused(&answer, "sign-in");
    assert_eq!(answer.header("access-control-allow-origin"), page, "{answer}");
    ada.get("/auth/me").await.expect(200);
    strict.stop().await;
}

async fn u12_bytes_of_files_have_a_limit_of_their_own(site: &Site) {
    let strict = site.another(&[(PER_USER, "2"), (UPLOAD, "3")]).await;
    let ada = Person::sign_up(&strict, "ada").await;
    let send = || {
        let patch = ada.ask("PATCH", "/uploads/tus/018f0000-0000-7000-8000-000000000000");
        patch.header("tus-resumable", "1.0.0").header("upload-offset", "0")
    };
    for _ in 0..3 {
        let answer = send().header("content-type", "application/offset+octet-stream").send().await;
        answer.refused(404, "NOT_FOUND");
        assert_eq!(answer.header("ratelimit-policy"), "\"upload\";q=3;w=60");
    }
    refused(&send().send().await, "upload");
    for _ in 0..2 {
        ada.get("/tasks").await.expect(200);
    }
    refused(&ada.get("/tasks").await, "user");
    strict.stop().await;
}

async fn nodes_with_one_redis_count_together(site: &Site) {
    let Some(redis) = RedisServer::start() else { return };
    let url = redis.url();
    let settings = [(PER_USER, "3"), ("TENANTRY__REDIS__URL", url.as_str())];
    let (one, other) = (site.another(&settings).await, site.another(&settings).await);
    let ada = Person::sign_up(&one, "ada").await;
    for node in [&one, &other, &one] {
        ada.on(node).get("/tasks").await.expect(200);
    }
    refused(&ada.on(&other).get("/tasks").await, "user");
    drop(redis);
    // Without Redis each node counts by itself rather than refuse or wait.
    ada.on(&other).get("/tasks").await.expect(200);
    one.stop().await;
    other.stop().await;
}
