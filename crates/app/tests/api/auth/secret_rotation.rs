//! L6: the secret is replaced while people are signed in.

use serde_json::json;

use crate::on_both_databases;
use crate::person::Person;
use crate::site::{PASSWORD, SECRET, Site};

const NEXT: &str = "Xq7Lw2NvR9tYc4HmZ8sKb3JdF6gPa1Ue";

on_both_databases!(
    l6_what_the_previous_secret_made_stays_good_until_it_is_forgotten,
    l6_without_the_previous_secret_everybody_signs_in_again,
);

async fn l6_what_the_previous_secret_made_stays_good_until_it_is_forgotten(site: &Site) {
    let ada = site.newcomer().await;
    for title in ["first", "second", "third"] {
        ada.task(json!({"title": title})).await;
    }
    let page = ada.get("/tasks?limit=1").await.expect(200);
    let create = async |ada: &Person<'_>| {
        let ask = ada.ask("POST", "/tasks").header("idempotency-key", "once").json(&json!({"title": "once"}));
        ask.send().await.expect(201)["id"].clone()
    };
    let once = create(&ada).await;

    let rotated = site.another(&[("SECRET_KEY", NEXT), ("SECRET_KEY_PREVIOUS", SECRET)]).await;
    let same = Person { site: &rotated, ..ada.clone() };
    same.get("/users/me").await.expect(200);
    let cursor = page["next_cursor"].as_str().unwrap();
    assert_eq!(same.get(&format!("/tasks?limit=1&cursor={cursor}")).await.expect(200)["count"], 1);
    assert_eq!(create(&same).await, once, "a sealed answer");
    let refresh = json!({"refresh_token": ada.refresh_token});
    let pair = rotated.post("/auth/refresh", refresh).await.expect(200);
    let token = |name: &str| pair[name].as_str().unwrap().to_owned();
    let refreshed =
        Person { access_token: token("access_token"), refresh_token: token("refresh_token"), ..same.clone() };
    // A node that doesn't know the next secret yet is no judge of its tokens.
    Person { site, ..refreshed.clone() }.get("/users/me").await.refused(401, "TOKEN_INVALID");

    let done = site.another(&[("SECRET_KEY", NEXT)]).await;
    Person { site: &done, ..refreshed.clone() }.get("/users/me").await.expect(200);
    let refresh = json!({"refresh_token": refreshed.refresh_token});
    done.post("/auth/refresh", refresh).await.expect(200);
    Person { site: &done, ..ada.clone() }.get("/users/me").await.refused(401, "TOKEN_INVALID");
    done.stop().await;
    rotated.stop().await;
}

async fn l6_without_the_previous_secret_everybody_signs_in_again(site: &Site) {
    let ada = site.newcomer().await;
    let other = site.another(&[("SECRET_KEY", NEXT)]).await;
    Person { site: &other, ..ada.clone() }.get("/users/me").await.refused(401, "TOKEN_INVALID");
    let refresh = other.post("/auth/refresh", json!({"refresh_token": ada.refresh_token})).await;
    refresh.refused(401, "REFRESH_TOKEN_INVALID");
    other.login(&ada.email, PASSWORD).await.expect(200);
    other.stop().await;
}
