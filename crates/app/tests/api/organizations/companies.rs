//! U2: organisations under the names that they have where they are called companies.

use serde_json::json;

use crate::on_both_databases;
use crate::site::{API, Site, unique};

on_both_databases!(u2_a_company_is_an_organization_under_other_names, u2_both_names_say_the_same);

async fn u2_a_company_is_an_organization_under_other_names(site: &Site) {
    let (ada, eve) = (site.newcomer().await, site.newcomer().await);
    let code = unique("harbour-");
    let made = ada.post("/companies", json!({"company_name": "Harbour", "company_code": code})).await;
    let company = made.expect(201);
    assert_eq!(made.header("location"), format!("{API}/companies/{}", company["id"].as_str().unwrap()));
    let names = json!([company["name"], company["slug"], company["company_name"], company["company_code"]]);
    assert_eq!(names, json!(["Harbour", code, "Harbour", code]));
    let path = format!("/companies/{}", company["id"].as_str().unwrap());
    assert_eq!(ada.get(&path).await.expect(200), company);

    let changed = ada.patch(&path, json!({"company_name": "Port", "contact_email": "a@b.example"})).await;
    assert_eq!(changed.header("etag"), "\"2\"");
    assert_eq!(changed.expect(200)["name"], "Port");
    let changed = ada.ask("PUT", &path).json(&json!({"name": "Quay"})).send().await.expect(200);
    assert_eq!((&changed["company_name"], &changed["contact_email"]), (&json!("Quay"), &json!("a@b.example")));
    let organization = ada.get(&path.replace("companies", "organizations")).await.expect(200);
    assert_eq!((&organization["name"], organization.get("company_name")), (&json!("Quay"), None));
    assert_eq!(ada.get("/companies").await.expect(200)["data"][0], changed);

    eve.get(&path).await.refused(404, "NOT_FOUND");
    eve.patch(&path, json!({"name": "x"})).await.refused(404, "NOT_FOUND");
    eve.delete(&path).await.refused(404, "NOT_FOUND");
    eve.post("/companies", json!({"name": "x", "company_code": code})).await.refused(409, "SLUG_TAKEN");
    ada.delete(&path).await.expect(204);
    ada.get(&path).await.refused(404, "NOT_FOUND");
}

async fn u2_both_names_say_the_same(site: &Site) {
    let ada = site.newcomer().await;
    let slug = unique("same-");
    let both = json!({"name": "A", "company_name": "A", "slug": slug, "company_code": slug});
    let made = ada.post("/companies", both.clone()).await.expect(201);
    let path = format!("/companies/{}", made["id"].as_str().unwrap());
    ada.patch(&path, both).await.expect(200);
    for (body, field) in [
        (json!({"name": "A", "company_name": "B"}), "company_name"),
        (json!({"name": "A", "slug": "a-b", "company_code": "b-a"}), "company_code"),
        (json!({"name": ""}), "name"),
        (json!({"company_name": ""}), "company_name"),
        (json!({"name": "A", "company_code": "No Slug"}), "company_code"),
        (json!({"name": "A", "company_id": "x"}), "company_id"),
    ] {
        ada.post("/companies", body.clone()).await.blames(422, "VALIDATION_ERROR", field);
        ada.patch(&path, body).await.blames(422, "VALIDATION_ERROR", field);
    }
    ada.post("/companies", json!({})).await.blames(422, "VALIDATION_ERROR", "company_name");
    ada.patch(&path, json!({"company_name": null})).await.blames(422, "VALIDATION_ERROR", "company_name");
    ada.patch(&path, json!({"name": "A", "company_name": null})).await.blames(422, "VALIDATION_ERROR", "company_name");
}
