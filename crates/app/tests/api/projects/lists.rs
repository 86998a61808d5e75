//! Lists of projects.

use serde_json::{Value, json};

use crate::on_both_databases;
use crate::site::Site;

on_both_databases!(projects_are_listed_in_pages_the_newest_first, projects_are_found_by_activity_and_words);

fn names(page: &Value) -> Vec<&str> {
    page["data"].as_array().unwrap().iter().map(|project| project["name"].as_str().unwrap()).collect()
}

async fn projects_are_listed_in_pages_the_newest_first(site: &Site) {
    let (ada, eve) = (site.newcomer().await, site.newcomer().await);
    eve.project("hers").await;
    for name in ["one", "two", "three"] {
        ada.project(name).await;
    }
    let first = ada.get("/projects?limit=2").await.expect(200);
    assert_eq!((names(&first), &first["total"]), (vec!["three", "two"], &json!(3)));
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = ada.get(&format!("/projects?limit=2&cursor={cursor}")).await.expect(200);
    assert_eq!((names(&second), &second["next_cursor"]), (vec!["one"], &Value::Null));
    assert_eq!(names(&ada.get("/projects?limit=2&page=2").await.expect(200)), ["one"]);
    ada.get(&format!("/projects?is_active=true&cursor={cursor}")).await.refused(400, "MALFORMED_REQUEST");
    ada.get("/projects?sort=name").await.blames(422, "VALIDATION_ERROR", "sort");
}

async fn projects_are_found_by_activity_and_words(site: &Site) {
    let ada = site.newcomer().await;
    ada.post("/projects", json!({"name": "Été", "description": "by the SEA", "is_active": false})).await.expect(201);
    ada.project("Winter").await;
    for (query, wanted) in [
        ("is_active=false", vec!["Été"]),
        ("is_active=true", vec!["Winter"]),
        ("q=%C3%89T%C3%89+sea", vec!["Été"]),
        ("q=%25", vec![]),
        ("q=winter&is_active=false", vec![]),
    ] {
        let page = ada.get(&format!("/projects?{query}")).await.expect(200);
        assert_eq!(names(&page), wanted, "{query}");
    }
    ada.get("/projects?is_active=1").await.blames(422, "VALIDATION_ERROR", "is_active");
}
