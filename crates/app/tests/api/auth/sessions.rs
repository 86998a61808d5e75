//! M5, M6: sessions and logout.

use serde_json::{Value, json};

use crate::on_both_databases;
use crate::person::Person;
use crate::site::Site;

on_both_databases!(
    m6_logout_ends_what_its_scope_says,
    m5_sessions_are_listed_and_ended_one_by_one,
    signing_out_ends_the_refresh_token_too,
    other_scopes_are_refused,
);

/// Whether each of these sessions is still good for anything.
async fn live(sessions: &[&Person<'_>]) -> Vec<bool> {
    let mut live = Vec::new();
    for person in sessions {
        let answer = person.get("/users/me").await;
        if answer.status != 200 {
            answer.refused(401, "SESSION_REVOKED");
        }
        live.push(answer.status == 200);
    }
    live
}

async fn m6_logout_ends_what_its_scope_says(site: &Site) {
    for (scope, expected) in [
        (Some(json!({"scope": "global"})), [false, false, true]),
        (Some(json!({})), [false, false, true]),
        (None, [false, false, true]),
        (Some(json!({"scope": "local"})), [false, true, true]),
        (Some(json!({"scope": "others"})), [true, false, true]),
    ] {
        let first = site.newcomer().await;
        let second = first.sign_in().await;
        let somebody_else = site.newcomer().await;
        let ask = first.ask("POST", "/auth/logout");
        let answer = match &scope {
            Some(body) => ask.json(body).send().await,
            None => ask.send().await,
        };
        assert_eq!(answer.expect(200), json!({"message": "Logged out successfully"}));
        assert_eq!(live(&[&first, &second, &somebody_else]).await, expected, "{scope:?}");
        first.sign_in().await.get("/users/me").await.expect(200);
    }
}

async fn m5_sessions_are_listed_and_ended_one_by_one(site: &Site) {
    let first = site.newcomer().await;
    let login = json!({"email": first.email, "password": crate::site::PASSWORD});
    let answer = site.ask("POST", "/auth/login").header("user-agent", "curl/8.0").json(&login).send().await;
    let second = Person::of(site, &answer.expect(200));
    let list = second.get("/auth/sessions").await.expect(200);
    assert_eq!(list["count"], 2);
    let current: Vec<&Value> = list["data"].as_array().unwrap().iter().map(|session| &session["current"]).collect();
    assert_eq!(current, [true, false]);
    let [newest, oldest] = [&list["data"][0], &list["data"][1]];
    assert_eq!((&newest["user_agent"], &newest["ip_address"]), (&json!("curl/8.0"), &json!("127.0.0.1")));
    for member in ["created_at", "last_seen_at", "expires_at"] {
        assert!(newest[member].is_string(), "{list}");
    }

    let path = format!("/auth/sessions/{}", oldest["id"].as_str().unwrap());
    site.newcomer().await.delete(&path).await.refused(404, "NOT_FOUND");
    second.delete(&path).await.expect(204);
    assert_eq!(live(&[&first, &second]).await, [false, true]);
    second.delete(&path).await.refused(404, "NOT_FOUND");
    second.delete("/auth/sessions/one").await.refused(404, "NOT_FOUND");
    assert_eq!(second.get("/auth/sessions").await.expect(200)["count"], 1);
}

async fn signing_out_ends_the_refresh_token_too(site: &Site) {
    for scope in ["local", "global"] {
        let ada = site.newcomer().await;
        ada.post("/auth/logout", json!({"scope": scope})).await.expect(200);
        let refresh = site.post("/auth/refresh", json!({"refresh_token": ada.refresh_token})).await;
        refresh.refused(401, "REFRESH_TOKEN_INVALID");
    }
}

async fn other_scopes_are_refused(site: &Site) {
    let ada = site.newcomer().await;
    ada.post("/auth/logout", json!({"scope": "galaxy"})).await.blames(422, "VALIDATION_ERROR", "scope");
    ada.post("/auth/logout", json!({"reason": "bored"})).await.blames(422, "VALIDATION_ERROR", "reason");
    ada.get("/users/me").await.expect(200);
}
