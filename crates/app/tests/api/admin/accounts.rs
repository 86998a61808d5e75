//! Deactivating accounts.

use serde_json::json;
use tenantry_tenancy::Role;

use crate::mailbox::{letters_to, token};
use crate::on_both_databases;
use crate::person::Person;
use crate::site::{PASSWORD, Site};

on_both_databases!(
    a_deactivated_account_is_out_at_once_and_may_come_back,
    nobody_deactivates_themself,
    a_change_says_which_version_it_means,
    only_activity_can_be_changed,
    a_former_administrator_is_one_no_more,
    administrators_do_not_deactivate_each_other,
    mailed_links_do_not_come_back,
    a_deactivated_owner_is_no_owner_to_rely_on,
);

async fn a_deactivated_account_is_out_at_once_and_may_come_back(site: &Site) {
    let (admin, owner) = (site.administrator().await, site.newcomer().await);
    let ada = owner.hire(Role::Member).await;
    let key = ada.post("/auth/api-keys", json!({"name": "robot", "scopes": ["*"]})).await.expect(201);
    let program = ada.with_token(key["key"].as_str().unwrap());
    program.get("/tasks").await.expect(200);

    let path = format!("/admin/users/{}", ada.id);
    let account = admin.patch(&path, json!({"is_active": false})).await.expect(200);
    assert_eq!((&account["id"], &account["is_active"]), (&json!(ada.id), &json!(false)));
    ada.get("/users/me").await.refused(401, "SESSION_REVOKED");
    program.get("/tasks").await.refused(401, "TOKEN_INVALID");
    let refresh = json!({"refresh_token": ada.refresh_token});
    site.post("/auth/refresh", refresh.clone()).await.refused(401, "REFRESH_TOKEN_INVALID");
    site.login(&ada.email, PASSWORD).await.refused(403, "ACCOUNT_INACTIVE");
    site.login(&ada.email, "not the password").await.refused(401, "INVALID_CREDENTIALS");
    owner.get("/users/me").await.expect(200);

    // Once more changes nothing.
    admin.patch(&path, json!({"is_active": false})).await.expect(200);
    assert_eq!(admin.patch(&path, json!({"is_active": true})).await.expect(200)["is_active"], true);
    ada.get("/users/me").await.refused(401, "SESSION_REVOKED");
    site.post("/auth/refresh", refresh).await.refused(401, "REFRESH_TOKEN_INVALID");
    ada.sign_in().await.get("/users/me").await.expect(200);
    program.get("/tasks").await.expect(200);

    let about = |action: &str| format!("/admin/audit-log?actor_id={}&action={action}", admin.id);
    for action in ["user.deactivate", "user.activate"] {
        let log = admin.get(&about(action)).await.expect(200);
        let entry = &log["data"][0];
        assert_eq!((&log["count"], &entry["actor_type"]), (&json!(1), &json!("platform")), "{log}");
        assert_eq!((&entry["target_id"], &entry["organization_id"]), (&json!(ada.id), &json!(null)), "{log}");
    }
}

async fn nobody_deactivates_themself(site: &Site) {
    let admin = site.administrator().await;
    let path = format!("/admin/users/{}", admin.id);
    admin.patch(&path, json!({"is_active": false})).await.refused(409, "CONFLICT");
    admin.patch(&path, json!({"is_active": true})).await.expect(200);
    admin.get("/admin/stats").await.expect(200);
}

async fn a_change_says_which_version_it_means(site: &Site) {
    let (admin, ada) = (site.administrator().await, site.newcomer().await);
    let path = format!("/admin/users/{}", ada.id);
    let ask = |version: &str, active: bool| {
        admin.ask("PATCH", &path).header("if-match", version).json(&json!({"is_active": active})).send()
    };
    let tag = admin.patch(&path, json!({"is_active": true})).await.header("etag").to_owned();
    ask("\"999\"", false).await.refused(412, "PRECONDITION_FAILED");
    ada.get("/users/me").await.expect(200);
    let after = ask(&tag, false).await;
    after.expect(200);
    assert_ne!(after.header("etag"), tag);
    ask(&tag, true).await.refused(412, "PRECONDITION_FAILED");
}

async fn only_activity_can_be_changed(site: &Site) {
    let (admin, ada) = (site.administrator().await, site.newcomer().await);
    let path = format!("/admin/users/{}", ada.id);
    admin.patch(&path, json!({})).await.blames(422, "VALIDATION_ERROR", "is_active");
    admin.patch(&path, json!({"is_active": null})).await.blames(422, "VALIDATION_ERROR", "is_active");
    admin.patch(&path, json!({"is_active": true, "is_platform_admin": true})).await.refused(422, "VALIDATION_ERROR");
    let unknown = "/admin/users/0199a000-0000-7000-8000-000000000000";
    admin.patch(unknown, json!({"is_active": false})).await.refused(404, "NOT_FOUND");
    ada.get("/users/me").await.expect(200);
}

async fn a_former_administrator_is_one_no_more(site: &Site) {
    let (admin, other) = (site.administrator().await, site.administrator().await);
    admin.get("/admin/stats").await.expect(200);
    site.sql(&format!("UPDATE users SET is_platform_admin = (1 = 0) WHERE username = '{}'", admin.username)).await;
    admin.get("/admin/stats").await.refused(403, "FORBIDDEN");
    let log = admin.get("/audit-log?action=platform.access_denied").await.expect(200);
    assert_eq!((&log["count"], &log["data"][0]["outcome"]), (&json!(1), &json!("denied")), "{log}");
    other.patch(&format!("/admin/users/{}", admin.id), json!({"is_active": false})).await.expect(200);
    admin.get("/users/me").await.refused(401, "SESSION_REVOKED");
}

async fn administrators_do_not_deactivate_each_other(site: &Site) {
    for _ in 0..5 {
        let (one, other) = (site.administrator().await, site.administrator().await);
        let closing = async |by: &Person<'_>, whom: &Person<'_>| {
            by.patch(&format!("/admin/users/{}", whom.id), json!({"is_active": false})).await.status
        };
        let (first, second) = tokio::join!(closing(&one, &other), closing(&other, &one));
        let done = [first, second].iter().filter(|status| **status == 200).count();
        assert_eq!(done, 1, "{first} and {second}");
    }
}

async fn mailed_links_do_not_come_back(site: &Site) {
    let (admin, ada) = (site.administrator().await, site.newcomer().await);
    site.post("/auth/password/forgot", json!({"email": ada.email})).await.expect(202);
    let link = token(&letters_to(site, &ada.email).await, "reset_password");
    let path = format!("/admin/users/{}", ada.id);
    for active in [false, true] {
        admin.patch(&path, json!({"is_active": active})).await.expect(200);
    }
    let reset = json!({"token": link, "password": "another staple battery"});
    site.post("/auth/password/reset", reset).await.refused(422, "LINK_INVALID");
}

async fn a_deactivated_owner_is_no_owner_to_rely_on(site: &Site) {
    let (admin, owner) = (site.administrator().await, site.newcomer().await);
    let partner = owner.hire(Role::Owner).await;
    admin.patch(&format!("/admin/users/{}", partner.id), json!({"is_active": false})).await.expect(200);
    let own = format!("/organizations/{}/members/{}", owner.own_organization, owner.id);
    owner.delete(&own).await.refused(409, "LAST_OWNER");
    owner.ask("DELETE", "/users/me").json(&json!({"password": PASSWORD})).send().await.refused(409, "LAST_OWNER");
    admin.patch(&format!("/admin/users/{}", partner.id), json!({"is_active": true})).await.expect(200);
    owner.delete(&own).await.expect(204);
}
