//! A server is killed while an advisor answers: what was seen can be read again, the reading has ended once, and it is
//! paid once.

use serde_json::{Value, json};

use super::binary::{FAST, Server, done};
use crate::readings::oracle::{ANSWER, KEY, Oracle};

const QUESTION: &str = "Slowly: which way?";

fn settings(oracle: &Oracle) -> Vec<(&str, &str)> {
    let mut settings = FAST.to_vec();
    settings.extend([
        ("TENANTRY__READINGS__PROVIDER", "chat"),
        ("TENANTRY__READINGS__BASE_URL", oracle.address.as_str()),
        ("TENANTRY__READINGS__API_KEY", KEY),
        ("TENANTRY__READINGS__MODEL", "seer"),
        ("TENANTRY__READINGS__PRICE_PROMPT", "1"),
        ("TENANTRY__READINGS__PRICE_COMPLETION", "2"),
    ]);
    settings
}

/// The ids and the bytes of the events in a stream, which may break off.
fn whole_events(text: &str) -> Vec<&str> {
    text.split_inclusive("\n\n").filter(|part| part.ends_with("\n\n") && !part.starts_with(':')).collect()
}

async fn sign_up(server: &Server) -> String {
    let account = json!({"email": "ada@example.com", "password": "correct horse battery"});
    let signed_up = server.send("POST", "/api/v1/auth/signup", "", Some(&account)).await.expect(201);
    signed_up["access_token"].as_str().unwrap().to_owned()
}

/// Asks, reads until the answer stands still, and kills the server then; answers what was read.
async fn read_until_killed(server: &Server, token: &str) -> String {
    let body = json!({"advisor": "legba", "question": QUESTION});
    let request = tenantry_testkit::http_client().post(format!("{}/api/v1/readings/stream", server.address));
    let mut answer = request.bearer_auth(token).json(&body).send().await.unwrap();
    let mut text = String::new();
    while !text.contains(ANSWER[1].trim_end()) {
        text.push_str(std::str::from_utf8(&answer.chunk().await.unwrap().unwrap()).unwrap());
    }
    server.signal("KILL");
    while let Ok(Some(more)) = answer.chunk().await {
        text.push_str(std::str::from_utf8(&more).unwrap());
    }
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn m11_what_was_seen_of_an_answer_outlives_the_server() {
    let oracle = Oracle::start().await;
    let server = Server::start(tempfile::tempdir().unwrap(), &settings(&oracle));
    let token = sign_up(&server).await;
    let seen = read_until_killed(&server, &token).await;
    let (_, folder, _) = server.end();

    let server = Server::start(folder, &settings(&oracle));
    let first: Value = serde_json::from_str(seen.lines().nth(2).unwrap().strip_prefix("data: ").unwrap()).unwrap();
    let id = first["id"].as_str().unwrap();
    let stream = format!("{}/api/v1/readings/{id}/stream", server.address);
    // Ends as soon as the worker that died is given up.
    let client = tenantry_testkit::http_client();
    let again = client.get(&stream).bearer_auth(&token).send().await.unwrap().text().await.unwrap();
    let (seen, again) = (whole_events(&seen), whole_events(&again));
    assert_eq!(again[..seen.len()], seen);
    let last = again.last().unwrap();
    assert!(last.contains("event: error") && last.contains("PROVIDER_ERROR"), "{last}");
    assert_eq!(again.len(), seen.len() + 1, "{again:?}");

    let reading = server.send("GET", &format!("/api/v1/readings/{id}"), &token, None).await.expect(200);
    let expected = json!(["failed", "interrupted", ANSWER[..2].concat(), true]);
    assert_eq!(
        json!([reading["status"], reading["failure"], reading["response"], reading["cost_estimated"]]),
        expected
    );
    let usage = server.send("GET", "/api/v1/readings/usage", &token, None).await.expect(200);
    assert_eq!((&usage["reserved_usd"], &usage["spent_usd"]), (&json!("0"), &reading["cost"]), "{usage}");
    assert_eq!(oracle.asked(), 1);

    server.signal("TERM");
    let (_, folder, _) = server.end();
    let said = done(folder.path(), &settings(&oracle), &["readings", "reconcile"], "");
    assert_eq!(said, "0 sums differ from the ledger\n");
}
