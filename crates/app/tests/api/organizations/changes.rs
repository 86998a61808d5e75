//! Changing organisations.

use serde_json::{Value, json};
use tenantry_tenancy::Role;

use crate::on_both_databases;
use crate::person::Person;
use crate::site::{Site, unique};

on_both_databases!(
    c8_an_organization_is_changed_and_cleared,
    c8_every_bad_member_is_named,
    a_slug_is_taken_once,
    an_organization_changes_only_from_the_version_that_was_seen,
    c5_members_and_guests_read_and_administrators_change,
    the_path_names_the_organization_that_a_request_is_about,
    organizations_are_listed_in_pages_the_newest_membership_first,
);

pub fn path_of(person: &Person<'_>) -> String {
    format!("/organizations/{}", person.own_organization)
}

async fn c8_an_organization_is_changed_and_cleared(site: &Site) {
    let ada = site.newcomer().await;
    let path = path_of(&ada);
    let before = ada.get(&path).await.expect(200);
    let slug = unique("bakery-");
    let change =
        json!({"name": " Bakery ", "slug": slug, "contact_email": "a@b.example", "metadata": {"a": [1, null]}});
    let changed = ada.patch(&path, change).await;
    assert_eq!(changed.header("etag"), "\"2\"");
    let changed = changed.expect(200);
    for (member, value) in [
        ("name", json!("Bakery")),
        ("slug", json!(slug)),
        ("contact_email", json!("a@b.example")),
        ("metadata", json!({"a": [1, null]})),
        ("id", before["id"].clone()),
        ("plan", before["plan"].clone()),
        ("is_active", json!(true)),
        ("created_at", before["created_at"].clone()),
    ] {
        assert_eq!(changed[member], value, "{changed}");
    }
    assert!(changed["updated_at"].as_str() > before["updated_at"].as_str(), "{changed}");
    assert_eq!(ada.get(&path).await.expect(200), changed);
    let cleared =
        ada.ask("PUT", &path).json(&json!({"contact_email": null, "metadata": null})).send().await.expect(200);
    assert_eq!((&cleared["contact_email"], &cleared["metadata"]), (&Value::Null, &json!({})));
    assert_eq!(cleared["name"], "Bakery");
    let me = ada.get("/auth/me").await.expect(200);
    assert_eq!((&me["organization"]["name"], &me["organization"]["slug"]), (&json!("Bakery"), &json!(slug)));
    let log = ada.get("/audit-log?action=organization.update").await.expect(200);
    assert_eq!((&log["total"], &log["data"][0]["target_id"]), (&json!(2), &before["id"]), "{log}");
}

async fn c8_every_bad_member_is_named(site: &Site) {
    let ada = site.newcomer().await;
    let path = path_of(&ada);
    let bad = json!({"name": "", "slug": "No Slug", "contact_email": "nobody", "metadata": {"a": "x".repeat(17_000)}});
    for refused in [ada.patch(&path, bad.clone()).await, ada.post("/organizations", bad).await] {
        let problem = refused.refused(422, "VALIDATION_ERROR");
        let fields: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|error| &error["field"]).collect();
        assert_eq!(fields, ["name", "slug", "contact_email", "metadata"]);
    }
    for (member, value) in [
        ("name", json!(null)),
        ("slug", json!(null)),
        ("name", json!(7)),
        ("plan", json!("PRO")),
        ("is_active", json!(false)),
        ("id", json!("x")),
        ("company_name", json!("x")),
    ] {
        let mut body = json!({});
        body[member] = value;
        ada.patch(&path, body).await.blames(422, "VALIDATION_ERROR", member);
    }
    ada.get("/organizations/seven").await.refused(404, "NOT_FOUND");
    ada.patch("/organizations/seven", json!({"name": "x"})).await.refused(404, "NOT_FOUND");
}

async fn a_slug_is_taken_once(site: &Site) {
    let (ada, eve) = (site.newcomer().await, site.newcomer().await);
    let slug = json!({"slug": unique("one-and-only-")});
    ada.patch(&path_of(&ada), slug.clone()).await.expect(200);
    ada.patch(&path_of(&ada), slug.clone()).await.expect(200);
    let before = eve.get(&path_of(&eve)).await.expect(200);
    eve.patch(&path_of(&eve), slug).await.refused(409, "SLUG_TAKEN");
    assert_eq!(eve.get(&path_of(&eve)).await.expect(200), before);
}

async fn an_organization_changes_only_from_the_version_that_was_seen(site: &Site) {
    let ada = site.newcomer().await;
    let path = path_of(&ada);
    let change = |tag: &'static str| ada.ask("PATCH", &path).header("if-match", tag).json(&json!({"name": "new"}));
    change("\"1\"").send().await.expect(200);
    change("\"1\"").send().await.refused(412, "PRECONDITION_FAILED");
    ada.ask("DELETE", &path).header("if-match", "\"1\"").send().await.refused(412, "PRECONDITION_FAILED");
    let read = ada.ask("GET", &path).header("if-none-match", "\"2\"").send().await;
    assert_eq!((read.status, read.bytes.len()), (304, 0));
    ada.ask("DELETE", &path).header("if-match", "\"2\"").send().await.expect(204);
}

async fn c5_members_and_guests_read_and_administrators_change(site: &Site) {
    let owner = site.newcomer().await;
    let path = path_of(&owner);
    let rename = json!({"name": "renamed"});
    for (role, changes, deletes) in
        [(Role::Guest, 403, 403), (Role::Member, 403, 403), (Role::Admin, 200, 403), (Role::Owner, 200, 204)]
    {
        let person = owner.hire(role).await;
        person.get(&path).await.expect(200);
        assert_eq!(person.patch(&path, rename.clone()).await.status, changes, "{role}");
        assert_eq!(person.delete(&path).await.status, deletes, "{role}");
    }
    let stranger = site.newcomer().await;
    let path = path_of(&site.newcomer().await);
    stranger.get(&path).await.refused(404, "NOT_FOUND");
    stranger.patch(&path, rename).await.refused(404, "NOT_FOUND");
    stranger.delete(&path).await.refused(404, "NOT_FOUND");
}

async fn the_path_names_the_organization_that_a_request_is_about(site: &Site) {
    let owner = site.newcomer().await;
    // Works in their own organisation, where they may do everything.
    let guest = Person { organization: None, ..owner.hire(Role::Guest).await };
    guest.get(&path_of(&owner)).await.expect(200);
    guest.patch(&path_of(&owner), json!({"name": "mine"})).await.refused(403, "FORBIDDEN");
    let log = owner.get("/audit-log?outcome=denied").await.expect(200);
    assert_eq!((&log["total"], &log["data"][0]["action"]), (&json!(1), &json!("organization.access_denied")), "{log}");
    assert_eq!(log["data"][0]["actor_id"], guest.id);
    assert_eq!(guest.get("/audit-log?outcome=denied").await.expect(200)["total"], 0);
    // The owner, at work elsewhere.
    let second = owner.found("Second").await;
    owner.within(&second).patch(&path_of(&owner), json!({"name": "first"})).await.expect(200);
    assert_eq!(owner.get(&format!("/organizations/{second}")).await.expect(200)["name"], "Second");
}

async fn organizations_are_listed_in_pages_the_newest_membership_first(site: &Site) {
    let (ada, eve) = (site.newcomer().await, site.newcomer().await);
    eve.found("Hers").await;
    let mut ids = vec![ada.own_organization.clone()];
    for name in ["Second", "Third"] {
        ids.push(ada.found(name).await);
    }
    ids.reverse();
    let listed = |page: &Value| -> Vec<String> {
        page["data"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
    };
    for collection in ["/organizations", "/companies"] {
        let first = ada.get(&format!("{collection}?limit=2")).await.expect(200);
        assert_eq!((listed(&first), &first["total"]), (ids[..2].to_vec(), &json!(3)));
        let cursor = first["next_cursor"].as_str().unwrap();
        let rest = ada.get(&format!("{collection}?limit=2&cursor={cursor}")).await.expect(200);
        assert_eq!((listed(&rest), &rest["next_cursor"]), (ids[2..].to_vec(), &Value::Null));
        assert_eq!(listed(&ada.get(&format!("{collection}?limit=2&page=2")).await.expect(200)), ids[2..]);
        ada.get(&format!("{collection}?q=x")).await.blames(422, "VALIDATION_ERROR", "q");
    }
}
