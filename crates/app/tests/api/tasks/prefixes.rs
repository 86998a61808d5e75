//! `/api` leads where `/api/v1` leads, and one slash at the end makes no difference.

use serde_json::json;

use crate::on_both_databases;
use crate::person::path_of;
use crate::site::Site;

on_both_databases!(the_unversioned_prefix_and_a_trailing_slash_lead_to_the_same, request_ids_are_taken_and_echoed);

async fn the_unversioned_prefix_and_a_trailing_slash_lead_to_the_same(site: &Site) {
    let ada = site.newcomer().await;
    let body = json!({"title": "x"});
    for (made, path) in ["/api/tasks", "/api/tasks/", "/api/v1/tasks", "/api/v1/tasks/"].into_iter().enumerate() {
        let answer = ada.authorize(site.at("POST", path)).json(&body).send().await;
        let task = answer.expect(201);
        assert_eq!(answer.header("location"), format!("/api/v1{}", path_of(&task)));
        for prefix in ["/api", "/api/v1"] {
            for end in ["", "/"] {
                let at = async |path: &str| ada.authorize(site.at("GET", &format!("{prefix}{path}"))).send().await;
                assert_eq!(at(&format!("{}{end}", path_of(&task))).await.expect(200), task);
                assert_eq!(at(&format!("/tasks{end}?limit=100")).await.expect(200)["total"], made + 1);
            }
        }
    }
    let problem = site.at("GET", "/api/tasks/").send().await.refused(401, "UNAUTHENTICATED");
    assert_eq!(problem["instance"], "/api/tasks/");
    site.at("GET", "/api/v1/tasks//").send().await.refused(404, "NOT_FOUND");
    site.at("GET", "/tasks").send().await.refused(404, "NOT_FOUND");
    for path in ["/health", "/api/health", "/api/v1/health", "/health/db", "/api/health/db", "/api/v1/health/db/"] {
        assert_eq!(site.at("GET", path).send().await.expect(200)["status"], "healthy", "{path}");
    }
}

async fn request_ids_are_taken_and_echoed(site: &Site) {
    let ada = site.newcomer().await;
    for (sent, taken) in [("abc-1_2.3", true), ("two words", false), ("", false), (&"x".repeat(129), false)] {
        let answer = ada.ask("GET", "/tasks/seven").header("x-request-id", sent).send().await;
        let problem = answer.refused(404, "NOT_FOUND");
        assert_eq!(problem["request_id"] == sent, taken, "{answer}");
        assert_eq!(
            ada.ask("GET", "/tasks").header("x-request-id", sent).send().await.header("x-request-id") == sent,
            taken
        );
    }
}
