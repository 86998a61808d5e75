//! Removing users.

use futures_util::future::join;
use serde_json::{Value, json};
use tenantry_tenancy::Role;

use crate::on_both_databases;
use crate::person::Person;
use crate::site::{PASSWORD, Site, unique};

on_both_databases!(
    u3_nobody_deletes_themself,
    u3_an_account_goes_with_its_only_membership,
    u3_an_account_stays_that_belongs_elsewhere,
    u3_tasks_of_a_removed_user_stay,
    u3_a_user_is_removed_once,
);

/// Somebody who was made by the owner, and belongs nowhere else.
async fn made<'s>(owner: &Person<'s>, role: Role) -> Person<'s> {
    let email = format!("{}@example.com", unique("made"));
    owner.post("/users", json!({"email": email, "password": PASSWORD, "role": role.as_str()})).await.expect(201);
    Person::of(owner.site, &owner.site.login(&email, PASSWORD).await.expect(200))
}

async fn u3_nobody_deletes_themself(site: &Site) {
    let owner = site.newcomer().await;
    for role in [Role::Owner, Role::Admin] {
        let person = owner.hire(role).await;
        person.delete(&format!("/users/{}", person.id)).await.refused(409, "SELF_DELETION");
    }
    let member = owner.hire(Role::Member).await;
    member.delete(&format!("/users/{}", member.id)).await.refused(403, "FORBIDDEN");
    assert_eq!(owner.get("/users").await.expect(200)["total"], 4);
}

async fn u3_an_account_goes_with_its_only_membership(site: &Site) {
    let owner = site.newcomer().await;
    let admin = made(&owner, Role::Admin).await;
    let member = made(&owner, Role::Member).await;
    let path = format!("/users/{}", member.id);
    let gone = admin.delete(&path).await;
    assert_eq!((gone.status, gone.bytes.len()), (204, 0), "{gone}");
    member.get("/users/me").await.refused(401, "SESSION_REVOKED");
    let refresh = site.post("/auth/refresh", json!({"refresh_token": member.refresh_token})).await;
    refresh.refused(401, "REFRESH_TOKEN_INVALID");
    site.login(&member.email, PASSWORD).await.refused(401, "INVALID_CREDENTIALS");
    owner.get(&path).await.refused(404, "NOT_FOUND");
    owner.delete(&path).await.refused(404, "NOT_FOUND");
    // The address is free again only once the account is erased.
    let again = json!({"email": member.email, "role": "MEMBER"});
    owner.post("/users", again).await.refused(409, "EMAIL_TAKEN");
    let log = owner.get(&format!("/audit-log?actor_id={}&action=user.delete", admin.id)).await.expect(200);
    assert_eq!((&log["total"], &log["data"][0]["target_id"]), (&json!(1), &json!(member.id)));
}

async fn u3_an_account_stays_that_belongs_elsewhere(site: &Site) {
    let (owner, other) = (site.newcomer().await, site.newcomer().await);
    let visitor = owner.hire(Role::Member).await;
    owner.delete(&format!("/users/{}", visitor.id)).await.expect(204);
    visitor.get("/tasks").await.refused(404, "NOT_FOUND");
    let elsewhere = visitor.sign_in().await;
    assert_eq!(elsewhere.get("/organizations").await.expect(200)["total"], 1);
    // An organisation that was deleted is none to belong to.
    let settler = owner.hire(Role::Member).await;
    settler.delete(&format!("/organizations/{}", settler.own_organization)).await.expect(204);
    other.delete(&format!("/users/{}", settler.id)).await.refused(404, "NOT_FOUND");
    owner.delete(&format!("/users/{}", settler.id)).await.expect(204);
    site.login(&settler.email, PASSWORD).await.refused(401, "INVALID_CREDENTIALS");
}

async fn u3_tasks_of_a_removed_user_stay(site: &Site) {
    let owner = site.newcomer().await;
    let member = made(&owner, Role::Member).await;
    let task = member.task(json!({"title": "left behind"})).await;
    let assigned = owner.task(json!({"title": "assigned", "assignee_id": member.id})).await;
    owner.delete(&format!("/users/{}", member.id)).await.expect(204);
    for task in [task, assigned] {
        let kept = owner.get(&crate::person::path_of(&task)).await.expect(200);
        assert_eq!(kept["title"], task["title"]);
    }
    let late = owner.post("/tasks", json!({"title": "late", "assignee_id": member.id})).await;
    late.blames(422, "VALIDATION_ERROR", "assignee_id");
    assert_eq!(owner.get("/tasks?scope=organization").await.expect(200)["total"], Value::from(2));
}

async fn u3_a_user_is_removed_once(site: &Site) {
    let owner = site.newcomer().await;
    for _ in 0..4 {
        let member = made(&owner, Role::Member).await;
        let path = format!("/users/{}", member.id);
        let own = member.ask("DELETE", "/users/me").json(&json!({"password": PASSWORD})).send();
        let (one, other) = join(owner.delete(&path), own).await;
        assert!([204, 404].contains(&one.status), "{one}");
        assert!([204, 401, 404].contains(&other.status), "{other}");
        assert!(one.status == 204 || other.status == 204, "{one} {other}");
        site.login(&member.email, PASSWORD).await.refused(401, "INVALID_CREDENTIALS");
    }
}
