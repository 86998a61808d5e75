//! `X-Organization-Id`, and the organisations that one belongs to.

use serde_json::json;

use crate::on_both_databases;
use crate::person::path_of;
use crate::site::{API, Site};

on_both_databases!(a_request_works_in_the_organization_it_names, organizations_are_founded_listed_and_read);

async fn a_request_works_in_the_organization_it_names(site: &Site) {
    let (ada, eve) = (site.newcomer().await, site.newcomer().await);
    let second = ada.found("Second").await;
    let there = ada.within(&second);
    let task = there.task(json!({"title": "there"})).await;
    assert_eq!(task["organization_id"], second);
    assert_eq!(there.get("/tasks").await.expect(200)["total"], 1);
    assert_eq!(ada.get("/tasks").await.expect(200)["total"], 0);
    ada.within(&ada.own_organization).get(&path_of(&task)).await.refused(404, "NOT_FOUND");
    assert_eq!(there.get("/users/me").await.expect(200)["organization_id"], second);

    for foreign in [eve.own_organization.as_str(), "0199a000-0000-7000-8000-000000000000"] {
        let there = ada.within(foreign);
        there.get("/tasks").await.refused(404, "NOT_FOUND");
        there.post("/tasks", json!({"title": "x"})).await.refused(404, "NOT_FOUND");
        there.get("/auth/me").await.refused(404, "NOT_FOUND");
    }
    for bad in ["", "seven", "*", "' OR 1=1 --"] {
        ada.within(bad).get("/tasks").await.refused(400, "MALFORMED_REQUEST");
    }
    assert_eq!(site.rows("tasks").await, 1);
}

async fn organizations_are_founded_listed_and_read(site: &Site) {
    let ada = site.newcomer().await;
    let body = json!({"name": " Harbour Bakery ", "slug": "harbour", "contact_email": "a@b.example", "metadata": {"a": [1, null]}});
    let made = ada.post("/organizations", body).await;
    let organization = made.expect(201);
    assert_eq!(made.header("location"), format!("{API}/organizations/{}", organization["id"].as_str().unwrap()));
    assert!(!made.header("etag").is_empty());
    for (member, value) in [
        ("name", json!("Harbour Bakery")),
        ("slug", json!("harbour")),
        ("plan", json!("FREE")),
        ("contact_email", json!("a@b.example")),
        ("is_active", json!(true)),
        ("metadata", json!({"a": [1, null]})),
    ] {
        assert_eq!(organization[member], value, "{organization}");
    }
    assert_eq!(
        site.at("GET", made.header("location")).bearer(&ada.access_token).send().await.expect(200),
        organization
    );
    ada.post("/organizations", json!({"name": "x", "slug": "Harbour"})).await;
    ada.post("/organizations", json!({"name": "x", "slug": "harbour"})).await.refused(409, "SLUG_TAKEN");
    let list = ada.get("/organizations").await.expect(200);
    assert_eq!(list["data"].as_array().unwrap().iter().filter(|one| **one == organization).count(), 1, "{list}");
    let eve = site.newcomer().await;
    eve.get(&format!("/organizations/{}", organization["id"].as_str().unwrap())).await.refused(404, "NOT_FOUND");
    eve.post("/organizations", json!({"name": "x", "slug": "harbour"})).await.refused(409, "SLUG_TAKEN");
}
