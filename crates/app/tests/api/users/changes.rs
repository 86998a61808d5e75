//! Changing users.

use serde_json::{Value, json};
use tenantry_tenancy::Role;

use crate::on_both_databases;
use crate::organizations::settled;
use crate::site::{PASSWORD, Site};

on_both_databases!(
    u3_an_administrator_changes_a_user,
    u3_a_deactivated_user_is_out_at_once_and_in_again_later,
    c5_the_last_active_owner_stays_active,
    c5_administrators_leave_owners_alone,
    a_user_changes_only_from_the_version_that_was_seen,
    bad_changes_of_users_are_named,
);

async fn u3_an_administrator_changes_a_user(site: &Site) {
    let owner = site.newcomer().await;
    let (admin, member) = (owner.hire(Role::Admin).await, owner.hire(Role::Member).await);
    let path = format!("/users/{}", member.id);
    let changed = admin.patch(&path, json!({"full_name": " Zoë ", "role": "ADMIN"})).await.expect(200);
    assert_eq!((&changed["full_name"], &changed["role"]), (&json!("Zoë"), &json!("ADMIN")));
    assert_eq!(owner.get(&path).await.expect(200), changed);
    assert_eq!(member.get("/users/me").await.expect(200)["full_name"], "Zoë");
    let cleared = admin.ask("PUT", &path).json(&json!({"full_name": null})).send().await.expect(200);
    assert_eq!((&cleared["full_name"], &cleared["role"]), (&Value::Null, &json!("ADMIN")));
    member.patch(&format!("/users/{}", admin.id), json!({"role": "GUEST"})).await.expect(200);
    admin.patch(&path, json!({"role": "GUEST"})).await.refused(403, "FORBIDDEN");
    let stranger = site.newcomer().await;
    stranger.patch(&path, json!({"full_name": "x"})).await.refused(404, "NOT_FOUND");
}

async fn u3_a_deactivated_user_is_out_at_once_and_in_again_later(site: &Site) {
    let owner = site.newcomer().await;
    let (settler, visitor) = (settled(&owner, Role::Member).await, owner.hire(Role::Member).await);
    for member in [&settler, &visitor] {
        let path = format!("/users/{}", member.id);
        let changed = owner.patch(&path, json!({"is_active": false})).await.expect(200);
        assert_eq!(changed["is_active"], false);
        assert_eq!(owner.get(&path).await.expect(200)["is_active"], false);
    }
    settler.get("/tasks").await.refused(401, "MEMBERSHIP_CHANGED");
    visitor.get("/tasks").await.refused(404, "NOT_FOUND");
    site.login(&settler.email, PASSWORD).await.refused(403, "ACCOUNT_INACTIVE");
    // In an organisation of their own nothing has changed.
    let elsewhere = visitor.sign_in().await;
    assert_eq!(elsewhere.get("/users/me").await.expect(200)["is_active"], true);
    for member in [&settler, &visitor] {
        owner.patch(&format!("/users/{}", member.id), json!({"is_active": true})).await.expect(200);
    }
    settler.get("/tasks").await.refused(401, "MEMBERSHIP_CHANGED");
    settler.sign_in().await.get("/tasks").await.expect(200);
    visitor.get("/tasks").await.expect(200);
}

async fn c5_the_last_active_owner_stays_active(site: &Site) {
    let owner = site.newcomer().await;
    let path = format!("/users/{}", owner.id);
    for change in [json!({"is_active": false}), json!({"role": "ADMIN"})] {
        owner.patch(&path, change.clone()).await.refused(409, "LAST_OWNER");
    }
    let second = owner.hire(Role::Owner).await;
    owner.patch(&format!("/users/{}", second.id), json!({"is_active": false})).await.expect(200);
    owner.patch(&path, json!({"is_active": false})).await.refused(409, "LAST_OWNER");
    owner.patch(&path, json!({"full_name": "Still here"})).await.expect(200);
    owner.delete(&format!("/users/{}", second.id)).await.expect(204);
}

async fn c5_administrators_leave_owners_alone(site: &Site) {
    let owner = site.newcomer().await;
    let admin = owner.hire(Role::Admin).await;
    let path = format!("/users/{}", owner.id);
    for change in [json!({"full_name": "x"}), json!({"role": "GUEST"}), json!({"is_active": false}), json!({})] {
        admin.patch(&path, change).await.refused(403, "FORBIDDEN");
    }
    admin.delete(&path).await.refused(403, "FORBIDDEN");
    admin.patch(&format!("/users/{}", admin.id), json!({"role": "OWNER"})).await.refused(403, "FORBIDDEN");
}

async fn a_user_changes_only_from_the_version_that_was_seen(site: &Site) {
    let owner = site.newcomer().await;
    let member = owner.hire(Role::Member).await;
    let path = format!("/users/{}", member.id);
    let seen = owner.get(&path).await;
    // Both parts count: the membership, and the account.
    owner.patch(&path, json!({"role": "GUEST"})).await.expect(200);
    let change = async |tag: &str| {
        owner.ask("PATCH", &path).header("if-match", tag).json(&json!({"full_name": "New"})).send().await
    };
    change(seen.header("etag")).await.refused(412, "PRECONDITION_FAILED");
    let seen = owner.get(&path).await;
    member.patch("/users/me", json!({"full_name": "Mine"})).await.expect(200);
    change(seen.header("etag")).await.refused(412, "PRECONDITION_FAILED");
    let seen = owner.get(&path).await;
    let same = owner.ask("GET", &path).header("if-none-match", seen.header("etag")).send().await;
    assert_eq!(same.status, 304, "{same}");
    change(seen.header("etag")).await.expect(200);
    owner.ask("DELETE", &path).header("if-match", seen.header("etag")).send().await.refused(412, "PRECONDITION_FAILED");
}

async fn bad_changes_of_users_are_named(site: &Site) {
    let owner = site.newcomer().await;
    let path = format!("/users/{}", owner.hire(Role::Member).await.id);
    let before = owner.get(&path).await.expect(200);
    for (body, field) in [
        (json!({"full_name": ""}), "full_name"),
        (json!({"role": null}), "role"),
        (json!({"role": "BOSS"}), "role"),
        (json!({"is_active": null}), "is_active"),
        (json!({"is_active": "no"}), "is_active"),
        (json!({"email": "a@b.example"}), "email"),
        (json!({"password": PASSWORD}), "password"),
    ] {
        owner.patch(&path, body).await.blames(422, "VALIDATION_ERROR", field);
    }
    assert_eq!(owner.get(&path).await.expect(200), before);
}
