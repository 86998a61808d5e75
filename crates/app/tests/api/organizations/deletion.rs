//! Deleting organisations.

use std::time::{Duration, Instant};

use futures_util::future::join;
use serde_json::json;
use tenantry_tenancy::Role;
use tokio::time::sleep;

use super::changes::path_of;
use crate::on_both_databases;
use crate::person::Person;
use crate::site::{PASSWORD, Site};

on_both_databases!(
    c8_a_deleted_organization_is_closed_to_everybody_at_once,
    c8_another_node_knows_within_a_second,
    a_deleted_organization_keeps_its_slug_and_founds_nothing_again,
    no_organization_is_founded_while_its_founder_goes,
    an_organization_is_deleted_once,
);

/// Tables of organisations that nobody could ever open again.
pub const ORPHANS: &str = "organizations o WHERE o.deleted_at IS NULL AND NOT EXISTS (
    SELECT 1 FROM memberships m JOIN users u ON u.id = m.user_id
    WHERE m.organization_id = o.id AND m.role = 'OWNER' AND m.is_active AND u.deleted_at IS NULL)";

/// Somebody whose token names the organisation in which they were hired.
async fn settler<'s>(owner: &Person<'s>, role: Role) -> Person<'s> {
    let hired = owner.hire(role).await;
    hired.delete(&path_of(&hired)).await.expect(204);
    let settled = hired.sign_in().await;
    assert_eq!(settled.own_organization, owner.own_organization);
    settled
}

async fn c8_a_deleted_organization_is_closed_to_everybody_at_once(site: &Site) {
    let owner = site.newcomer().await;
    let second = owner.found("Second").await;
    let visitor = owner.hire(Role::Admin).await;
    let settled = settler(&owner, Role::Member).await;
    let task = owner.task(json!({"title": "ours"})).await;
    let task = format!("/tasks/{}", task["id"].as_str().unwrap());
    owner.project("ours").await;
    settled.get("/tasks").await.expect(200);

    let gone = owner.delete(&path_of(&owner)).await;
    assert_eq!((gone.status, gone.bytes.len()), (204, 0), "{gone}");
    for token in [&owner, &settled] {
        token.get("/tasks").await.refused(401, "MEMBERSHIP_CHANGED");
        token.post("/tasks", json!({"title": "late"})).await.refused(401, "MEMBERSHIP_CHANGED");
    }
    visitor.get(&task).await.refused(404, "NOT_FOUND");
    visitor.get("/projects").await.refused(404, "NOT_FOUND");
    let elsewhere = Person { organization: None, ..visitor };
    elsewhere.get(&path_of(&owner)).await.refused(404, "NOT_FOUND");
    elsewhere.delete(&path_of(&owner)).await.refused(404, "NOT_FOUND");
    assert_eq!(elsewhere.get("/organizations").await.expect(200)["total"], 1);
    assert_eq!(elsewhere.get("/auth/me").await.expect(200)["organizations"].as_array().unwrap().len(), 1);

    let refresh =
        async |person: &Person<'_>| site.post("/auth/refresh", json!({"refresh_token": person.refresh_token})).await;
    let moved = refresh(&owner).await.expect(200);
    let moved = owner.with_token(moved["access_token"].as_str().unwrap());
    assert_eq!(moved.get("/auth/me").await.expect(200)["organization"]["id"], second);
    moved.get(&task).await.refused(404, "NOT_FOUND");
    assert_eq!(moved.get("/organizations").await.expect(200)["total"], 1);
    moved.within(&owner.own_organization).get("/tasks").await.refused(404, "NOT_FOUND");
    refresh(&settled).await.refused(403, "ACCOUNT_INACTIVE");
}

async fn c8_another_node_knows_within_a_second(site: &Site) {
    let other = site.another(&[]).await;
    let owner = site.newcomer().await;
    let settled = settler(&owner, Role::Member).await;
    settled.on(&other).get("/tasks").await.expect(200);
    owner.delete(&path_of(&owner)).await.expect(204);
    let asked = Instant::now();
    while settled.on(&other).get("/tasks").await.status != 401 {
        assert!(asked.elapsed() < Duration::from_secs(1));
        sleep(Duration::from_millis(20)).await;
    }
    settled.on(&other).get("/tasks").await.refused(401, "MEMBERSHIP_CHANGED");
    other.stop().await;
}

async fn a_deleted_organization_keeps_its_slug_and_founds_nothing_again(site: &Site) {
    let ada = site.newcomer().await;
    let found = async || {
        let body = json!({"name": "Short-lived", "slug": "short-lived"});
        ada.ask("POST", "/organizations").header("idempotency-key", "o-1").json(&body).send().await
    };
    let made = found().await.expect(201);
    ada.delete(&format!("/organizations/{}", made["id"].as_str().unwrap())).await.expect(204);
    assert_eq!(found().await.header("idempotent-replayed"), "true");
    ada.post("/organizations", json!({"name": "x", "slug": "short-lived"})).await.refused(409, "SLUG_TAKEN");
    assert_eq!(ada.get("/organizations").await.expect(200)["total"], 1);
}

async fn no_organization_is_founded_while_its_founder_goes(site: &Site) {
    for round in 0..12 {
        let ada = site.newcomer().await;
        let delete = json!({"password": PASSWORD});
        let found = async {
            sleep(Duration::from_millis(round)).await;
            ada.post("/organizations", json!({"name": "Late"})).await
        };
        let (found, gone) = join(found, ada.ask("DELETE", "/users/me").json(&delete).send()).await;
        gone.expect(204);
        assert!([201, 401, 404].contains(&found.status), "{found}");
        assert_eq!(site.rows(ORPHANS).await, 0, "{found}");
    }
}

async fn an_organization_is_deleted_once(site: &Site) {
    for _ in 0..6 {
        let ada = site.newcomer().await;
        let second = ada.found("Second").await;
        let path = format!("/organizations/{second}");
        let (one, other) = join(ada.delete(&path), ada.delete(&path)).await;
        let mut statuses = [one.status, other.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [204, 404], "{one} {other}");
    }
}
