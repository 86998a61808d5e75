//! M8: questions and whole answers.

use serde_json::{Value, json};
use tokio::join;

use super::oracle::ANSWER;
use super::{answered_now, path_of, question, until, with_oracle};
use crate::on_both_databases;
use crate::site::Site;

on_both_databases!(
    m8_a_question_is_answered,
    m8_bad_questions_and_unknown_advisors_are_refused,
    m8_what_fails_is_kept,
    m8_a_reading_is_cancelled_and_nobody_is_asked_any_more,
    a_reading_that_is_over_is_deleted,
);

async fn m8_a_question_is_answered(site: &Site) {
    with_oracle(site, &[], async |site, oracle| {
        let ada = site.newcomer().await;
        for (count, path) in [(1, "/readings"), (2, "/readings/ask")] {
            let answer = ada.post(path, question("  Which way?  ")).await;
            let reading = answer.expect(201);
            assert_eq!(answer.header("location"), format!("/api/v1{}", path_of(&reading)));
            assert!(!answer.header("etag").is_empty(), "{answer}");
            let citations = json!([
                {"url": "https://example.com/a", "title": "A"},
                {"url": "https://example.com/b", "title": null},
            ]);
            for (member, value) in [
                ("user_id", json!(ada.id)),
                ("advisor", json!("legba")),
                ("question", json!("Which way?")),
                ("response", json!(ANSWER.concat())),
                ("citations", citations),
                ("status", json!("completed")),
                ("provider", json!("chat")),
                ("model", json!("seer")),
                ("prompt_tokens", json!(100)),
                ("completion_tokens", json!(7)),
                ("tokens_used", json!(107)),
                ("cost", json!("0.000114")),
                ("cost_estimated", json!(false)),
            ] {
                assert_eq!(reading[member], value, "{member}: {answer}");
            }
            assert!(reading["completed_at"].is_string() && reading["created_at"].is_string(), "{answer}");
            assert_eq!(ada.get(&path_of(&reading)).await.expect(200), reading);
            assert_eq!(oracle.asked(), count);
        }
    })
    .await;
}

async fn m8_bad_questions_and_unknown_advisors_are_refused(site: &Site) {
    let ada = site.newcomer().await;
    for path in ["/readings", "/readings/stream"] {
        let ask = async |advisor: &str, question: &str| {
            ada.post(path, json!({"advisor": advisor, "question": question})).await
        };
        for advisor in ["nobody", "No One", ""] {
            ask(advisor, "Which way?").await.blames(422, "VALIDATION_ERROR", "advisor");
        }
        for text in ["", "ab", "  ab  ", "a\u{7}bc", &"x".repeat(2001)] {
            ask("legba", text).await.blames(422, "VALIDATION_ERROR", "question");
        }
        let both = ask("No One", "ab").await.refused(422, "VALIDATION_ERROR");
        assert_eq!(both["errors"].as_array().unwrap().len(), 2, "{both}");
    }
    assert_eq!((site.rows("readings").await, site.rows("jobs").await), (0, 0));
}

async fn m8_what_fails_is_kept(site: &Site) {
    with_oracle(site, &[], async |site, _| {
        let ada = site.newcomer().await;
        for (text, status, code, response, cost) in [
            ("Fail", 502, "PROVIDER_ERROR", Value::Null, "0"),
            ("Be silent", 504, "TIMEOUT", Value::Null, "0"),
            ("Break off", 502, "PROVIDER_ERROR", json!("Ask again "), ""),
        ] {
            let answer = ada.post("/readings", question(text)).await;
            let problem = answer.refused(status, code);
            let kept = ada.get(&format!("/readings/{}", problem["reading_id"].as_str().unwrap())).await.expect(200);
            assert_eq!((&kept["status"], &kept["response"]), (&json!("failed"), &response), "{text}: {kept}");
            assert!(cost.is_empty() || kept["cost"] == cost, "{text}: {kept}");
            assert_eq!(kept["cost_estimated"], cost.is_empty(), "{text}: {kept}");
        }
        for slug in ["provider-error", "budget-exceeded", "timeout"] {
            site.at("GET", &format!("/problems/{slug}")).send().await.expect(200);
        }
    })
    .await;
}

async fn m8_a_reading_is_cancelled_and_nobody_is_asked_any_more(site: &Site) {
    with_oracle(site, &[], async |site, oracle| {
        let ada = site.newcomer().await;
        let cancel = async {
            let reading = answered_now(&ada).await;
            ada.delete(&path_of(&reading)).await.refused(409, "CONFLICT");
            let cancelled = ada.post(&format!("{}/cancel", path_of(&reading)), json!({})).await.expect(200);
            assert_eq!((&cancelled["id"], &cancelled["status"]), (&reading["id"], &json!("cancelled")));
            cancelled
        };
        let (answer, cancelled) = join!(ada.post("/readings", question("Slowly")), cancel);
        assert_eq!(answer.expect(201), cancelled);
        assert_eq!(cancelled["response"], "Ask again ");
        until(async || (oracle.left() == 1).then_some(())).await;
        let again = ada.post(&format!("{}/cancel", path_of(&cancelled)), json!({})).await.expect(200);
        assert_eq!(again, cancelled, "one that is over stays as it is");
    })
    .await;
}

async fn a_reading_that_is_over_is_deleted(site: &Site) {
    site.answer_readings();
    let ada = site.newcomer().await;
    let reading = ada.post("/readings", question("Which way?")).await.expect(201);
    let path = path_of(&reading);
    let delete = async |tag: &str| ada.ask("DELETE", &path).header("if-match", tag).send().await;
    delete("\"99\"").await.refused(412, "PRECONDITION_FAILED");
    let tag = ada.get(&path).await.header("etag").to_owned();
    delete(&tag).await.expect(204);
    delete(&tag).await.refused(404, "NOT_FOUND");
    ada.get(&format!("{path}/stream")).await.refused(404, "NOT_FOUND");
}
