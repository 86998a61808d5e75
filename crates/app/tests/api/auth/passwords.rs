//! L3: changing one's own account.

use futures_util::future::join_all;
use serde_json::json;

use crate::on_both_databases;
use crate::person::Person;
use crate::site::{PASSWORD, Site};

const NEW: &str = "another staple battery";

on_both_databases!(
    l3_a_new_password_ends_the_other_sessions_at_once,
    l3_a_wrong_or_missing_password_changes_nothing,
    l3_names_change_and_clear,
    l3_versions_guard_the_account,
    l3_of_many_changes_at_once_only_one_knows_the_current_password,
    l3_no_session_of_the_old_password_outlives_its_change,
);

async fn l3_of_many_changes_at_once_only_one_knows_the_current_password(site: &Site) {
    let ada = site.newcomer().await;
    let change = async |number: u8| {
        let body = json!({"password": format!("{NEW} {number}"), "current_password": PASSWORD});
        ada.patch("/users/me", body).await.status
    };
    let changes = (0..8).map(change);
    let mut statuses = join_all(changes).await;
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 422, 422, 422, 422, 422, 422, 422]);
}

async fn l3_no_session_of_the_old_password_outlives_its_change(site: &Site) {
    let ada = site.newcomer().await;
    let logins = join_all((0..24).map(|_| site.login(&ada.email, PASSWORD)));
    let change = ada.patch("/users/me", json!({"password": NEW, "current_password": PASSWORD}));
    let (logins, change) = tokio::join!(logins, change);
    change.expect(200);
    for login in logins.iter().filter(|login| login.status == 200) {
        let refresh = json!({"refresh_token": login.json()["refresh_token"]});
        site.post("/auth/refresh", refresh).await.refused(401, "REFRESH_TOKEN_INVALID");
    }
}

async fn l3_a_new_password_ends_the_other_sessions_at_once(site: &Site) {
    let ada = site.newcomer().await;
    let elsewhere = ada.sign_in().await;
    ada.patch("/users/me", json!({"password": NEW, "current_password": PASSWORD})).await.expect(200);
    ada.get("/users/me").await.expect(200);
    elsewhere.get("/users/me").await.refused(401, "SESSION_REVOKED");
    let refresh = site.post("/auth/refresh", json!({"refresh_token": elsewhere.refresh_token})).await;
    refresh.refused(401, "REFRESH_TOKEN_INVALID");
    site.post("/auth/refresh", json!({"refresh_token": ada.refresh_token})).await.expect(200);
    site.login(&ada.email, PASSWORD).await.refused(401, "INVALID_CREDENTIALS");
    site.login(&ada.email, NEW).await.expect(200);
}

async fn l3_a_wrong_or_missing_password_changes_nothing(site: &Site) {
    let ada = site.newcomer().await;
    for (body, code, field) in [
        (json!({"password": NEW, "current_password": "wrong"}), "VALIDATION_ERROR", "current_password"),
        (json!({"password": NEW}), "VALIDATION_ERROR", "current_password"),
        (json!({"password": NEW, "current_password": null}), "VALIDATION_ERROR", "current_password"),
        (json!({"current_password": PASSWORD}), "VALIDATION_ERROR", "current_password"),
        (json!({"password": "short", "current_password": PASSWORD}), "VALIDATION_ERROR", "password"),
        (json!({"password": null, "current_password": PASSWORD}), "VALIDATION_ERROR", "password"),
        (json!({"password": "password1", "current_password": PASSWORD}), "WEAK_PASSWORD", "password"),
        (json!({"password": ada.email, "current_password": PASSWORD}), "WEAK_PASSWORD", "password"),
        (json!({"password": PASSWORD, "current_password": PASSWORD}), "WEAK_PASSWORD", "password"),
        (
            json!({"password": NEW, "current_password": "wrong", "full_name": "Eve"}),
            "VALIDATION_ERROR",
            "current_password",
        ),
        (json!({"role": "OWNER"}), "VALIDATION_ERROR", "role"),
        (json!({"is_active": false}), "VALIDATION_ERROR", "is_active"),
        (json!({"username": null}), "VALIDATION_ERROR", "username"),
    ] {
        ada.patch("/users/me", body).await.blames(422, code, field);
    }
    assert!(ada.get("/users/me").await.expect(200)["full_name"].is_null());
    site.login(&ada.email, PASSWORD).await.expect(200);
}

async fn l3_names_change_and_clear(site: &Site) {
    let ada = site.newcomer().await;
    let other = Person::sign_up(site, "taken").await;
    for method in ["PATCH", "PUT"] {
        let change = async |body| ada.ask(method, "/users/me").json(&body).send().await;
        let user = change(json!({"full_name": " Ada L. "})).await.expect(200);
        assert_eq!((&user["full_name"], &user["username"]), (&json!("Ada L."), &json!(ada.username)));
        let user = change(json!({"username": "Ada.L"})).await.expect(200);
        assert_eq!((&user["full_name"], &user["username"]), (&json!("Ada L."), &json!("Ada.L")));
        change(json!({"username": "TAKEN"})).await.blames(409, "USERNAME_TAKEN", "username");
        assert!(change(json!({"full_name": null})).await.expect(200)["full_name"].is_null());
        assert_eq!(change(json!({})).await.expect(200)["username"], "Ada.L");
        change(json!({"username": ada.username})).await.expect(200);
    }
    site.login(&other.username, PASSWORD).await.expect(200);
}

async fn l3_versions_guard_the_account(site: &Site) {
    let ada = site.newcomer().await;
    let read = ada.get("/users/me").await;
    let tag = read.header("etag").to_owned();
    let again = ada.ask("GET", "/users/me").header("if-none-match", &tag).send().await;
    assert_eq!((again.status, again.bytes.len()), (304, 0), "{again}");
    let change = async |tag: &str, name: &str| {
        ada.ask("PATCH", "/users/me").header("if-match", tag).json(&json!({"full_name": name})).send().await
    };
    let changed = change(&tag, "One").await;
    changed.expect(200);
    assert_ne!(changed.header("etag"), tag);
    change(&tag, "Two").await.refused(412, "PRECONDITION_FAILED");
    let delete = ada.ask("DELETE", "/users/me").header("if-match", &tag).json(&json!({"password": PASSWORD}));
    delete.send().await.refused(412, "PRECONDITION_FAILED");
    assert_eq!(ada.get("/users/me").await.expect(200)["full_name"], "One");
}
