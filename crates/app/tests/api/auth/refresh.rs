//! C3, T3: staying signed in.

use std::cell::RefCell;
use std::time::Duration;

use fastrand::Rng;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use crate::answer::Answer;
use crate::on_both_databases;
use crate::person::Person;
use crate::site::Site;

on_both_databases!(
    a_retry_gets_the_same_successor,
    concurrent_refreshes_agree,
    tabs_that_lose_answers_stay_signed_in,
    signing_out_does_not_stumble_over_refreshes,
    c3_reuse_after_the_grace_period_ends_the_session_at_once,
    what_is_no_refresh_token_is_refused,
);

async fn refresh(site: &Site, token: &str) -> Answer {
    site.post("/auth/refresh", json!({"refresh_token": token})).await
}

fn successor(answer: &Answer) -> String {
    let tokens = answer.expect(200);
    assert_eq!((&tokens["token_type"], &tokens["expires_in"]), (&json!("bearer"), &json!(900)));
    assert_eq!(answer.header("cache-control"), "no-store");
    tokens["refresh_token"].as_str().unwrap().to_owned()
}

async fn a_retry_gets_the_same_successor(site: &Site) {
    let ada = site.newcomer().await;
    let answer = refresh(site, &ada.refresh_token).await;
    let second = successor(&answer);
    assert_ne!(second, ada.refresh_token);
    let renewed = ada.with_token(answer.json()["access_token"].as_str().unwrap());
    renewed.get("/users/me").await.expect(200);
    ada.get("/users/me").await.expect(200);
    // An answer was lost: the same again, also when the successor was used meanwhile, within the grace period.
    assert_eq!(successor(&refresh(site, &ada.refresh_token).await), second);
    let third = successor(&refresh(site, &second).await);
    assert_ne!(third, second);
    assert_eq!(successor(&refresh(site, &ada.refresh_token).await), second);
    assert_eq!(successor(&refresh(site, &second).await), third);
    assert_eq!(renewed.get("/auth/sessions").await.expect(200)["count"], 1);
}

async fn concurrent_refreshes_agree(site: &Site) {
    let ada = site.newcomer().await;
    let answers = join_all((0..12).map(|_| refresh(site, &ada.refresh_token))).await;
    let tokens: Vec<String> = answers.iter().map(successor).collect();
    assert!(tokens.iter().all(|token| *token == tokens[0]), "{tokens:?}");
}

async fn tabs_that_lose_answers_stay_signed_in(site: &Site) {
    let ada = site.newcomer().await;
    let stored = RefCell::new(ada.refresh_token.clone());
    let tab = async |mut rng: Rng| {
        for _ in 0..12 {
            let sent = stored.borrow().clone();
            for _ in 0..rng.u8(..3) {
                // Whether it was carried out is for chance to say.
                timeout(Duration::from_micros(rng.u64(..8_000)), refresh(site, &sent)).await.ok();
            }
            let next = successor(&refresh(site, &sent).await);
            if *stored.borrow() == sent {
                stored.replace(next);
            }
        }
    };
    join_all((0..8).map(|_| tab(Rng::new()))).await;
    let answer = refresh(site, &stored.into_inner()).await;
    successor(&answer);
    let renewed = ada.with_token(answer.json()["access_token"].as_str().unwrap());
    assert_eq!(renewed.get("/auth/sessions").await.expect(200)["count"], 1);
}

async fn signing_out_does_not_stumble_over_refreshes(site: &Site) {
    for _ in 0..4 {
        let ada = site.newcomer().await;
        let refreshes = async {
            let mut token = ada.refresh_token.clone();
            loop {
                let answer = refresh(site, &token).await;
                if answer.status != 200 {
                    return answer;
                }
                token = successor(&answer);
            }
        };
        let sign_out = async {
            sleep(Duration::from_millis(30)).await;
            ada.ask("POST", "/auth/logout").send().await
        };
        let (one, other, sign_out) = tokio::join!(refreshes, refreshes_of(site, &ada), sign_out);
        sign_out.expect(200);
        for last in [one, other] {
            last.refused(401, "REFRESH_TOKEN_INVALID");
        }
    }
}

/// Refreshes the first token until it is refused.
async fn refreshes_of(site: &Site, person: &Person<'_>) -> Answer {
    loop {
        let answer = refresh(site, &person.refresh_token).await;
        if answer.status != 200 {
            return answer;
        }
    }
}

async fn c3_reuse_after_the_grace_period_ends_the_session_at_once(site: &Site) {
    let site = site.another(&[("TENANTRY__AUTH__REFRESH_GRACE_SECONDS", "1")]).await;
    let ada = site.newcomer().await;
    let elsewhere = ada.sign_in().await;
    let second = successor(&refresh(&site, &ada.refresh_token).await);
    sleep(Duration::from_millis(1_200)).await;
    // The successor was not used yet, so its predecessor may still be a retry.
    assert_eq!(successor(&refresh(&site, &ada.refresh_token).await), second);
    let answer = refresh(&site, &second).await;
    let third = successor(&answer);
    let newest = ada.with_token(answer.json()["access_token"].as_str().unwrap());
    newest.get("/users/me").await.expect(200);
    refresh(&site, &ada.refresh_token).await.refused(401, "REFRESH_TOKEN_REUSED");

    newest.get("/users/me").await.refused(401, "SESSION_REVOKED");
    for token in [&ada.refresh_token, &second, &third] {
        refresh(&site, token).await.refused(401, "REFRESH_TOKEN_INVALID");
    }
    elsewhere.get("/users/me").await.expect(200);
    site.stop().await;
}

async fn what_is_no_refresh_token_is_refused(site: &Site) {
    let ada = site.newcomer().await;
    let forged = |text: &str| text.chars().rev().collect::<String>();
    for token in ["", "x", &ada.access_token, &forged(&ada.refresh_token), &"x".repeat(10_000), "\u{0}"] {
        refresh(site, token).await.refused(401, "REFRESH_TOKEN_INVALID");
    }
    let body: Value = json!({"refresh_token": null});
    site.post("/auth/refresh", body).await.blames(422, "VALIDATION_ERROR", "refresh_token");
    Person::of(site, &site.login(&ada.email, crate::site::PASSWORD).await.expect(200));
}
