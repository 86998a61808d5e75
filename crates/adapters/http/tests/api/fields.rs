use reqwest::{Method, header::CONTENT_TYPE};
use serde_json::{Value, json};

use crate::server::{Answer, TestServer, send};

const ID: &str = "/api/v1/probes/01890a5d-ac96-774b-bcce-b302099a8057";

async fn create(server: &TestServer, body: &Value) -> Answer {
    send(server.post("/api/v1/probes").json(body)).await
}

#[tokio::test]
async fn a_good_body_is_answered_with_its_values_tag_and_place() {
    let server = TestServer::start();
    let answer = create(&server, &json!({ "title": " a ", "labels": ["x"] })).await;
    assert_eq!(answer.status, 201);
    assert_eq!(answer.body, json!({ "title": "a", "note": null, "labels": ["x"], "owner_id": null }));
    assert_eq!((answer.header("etag"), answer.header("location")), (Some("\"1\""), Some("/api/v1/probes/1")));
}

#[tokio::test]
async fn all_bad_fields_are_named_in_order() {
    let server = TestServer::start();
    let answer = create(&server, &json!({ "title": "", "note": "a\u{0}b", "labels": ["x", ""] })).await;
    answer.assert_problem(422, "VALIDATION_ERROR");
    assert_eq!(
        answer.body["errors"],
        json!([
            { "field": "title", "error": "title must have 1 to 10 characters" },
            { "field": "note", "error": "note must not contain control characters" },
            { "field": "labels[1]", "error": "labels[1] must have 1 to 10 characters" },
        ])
    );
    assert_eq!(answer.text("detail"), "title must have 1 to 10 characters");
}

#[tokio::test]
async fn the_wrong_shape_names_its_field_and_what_is_no_json_is_400() {
    let server = TestServer::start();
    let cases = [
        (json!({}), "title is required"),
        (json!({ "title": 1 }), "title must be a string"),
        (json!({ "title": "a", "admin": true }), "admin is not known here"),
        (json!({ "title": "a", "owner_id": "me" }), "owner_id must be a UUID"),
    ];
    for (body, error) in cases {
        let answer = create(&server, &body).await;
        answer.assert_problem(422, "VALIDATION_ERROR");
        assert_eq!(answer.body["details"]["error"], error);
    }
    for body in [b"{".to_vec(), b"{\"title\": \"\xff\"}".to_vec(), Vec::new()] {
        let post = server.post("/api/v1/probes").header(CONTENT_TYPE, "application/json").body(body);
        send(post).await.assert_problem(400, "MALFORMED_REQUEST");
    }
}

#[tokio::test]
async fn a_patch_tells_absent_null_and_value_apart() {
    let server = TestServer::start();
    let patch = |method: Method, body: Value| send(server.request(method, ID).json(&body));
    let answer = patch(Method::PATCH, json!({ "note": null })).await;
    assert_eq!((answer.status, &answer.body["title"], &answer.body["note"]), (200, &json!(null), &json!(null)));
    let answer = patch(Method::PUT, json!({ "title": "a", "note": "b" })).await;
    assert_eq!((&answer.body["title"], &answer.body["note"]), (&json!("a"), &json!("b")));
    let answer = patch(Method::PATCH, json!({ "title": null })).await;
    answer.assert_problem(422, "VALIDATION_ERROR");
    assert_eq!(answer.text("detail"), "title must not be null");
}

#[tokio::test]
async fn if_match_guards_changes_and_if_none_match_saves_reads() {
    let server = TestServer::start();
    let patch = |tag: &str| send(server.request(Method::PATCH, ID).header("if-match", tag).json(&json!({})));
    assert_eq!(patch("\"3\"").await.status, 200);
    assert_eq!(patch("*").await.status, 200);
    patch("\"2\"").await.assert_problem(412, "PRECONDITION_FAILED");
    patch("W/\"3\"").await.assert_problem(412, "PRECONDITION_FAILED");
    patch("3").await.assert_problem(400, "MALFORMED_REQUEST");
    let known = send(server.get(ID).header("if-none-match", "\"3\"")).await;
    assert_eq!((known.status, known.header("etag"), &known.body), (304, Some("\"3\""), &json!(null)));
    assert_eq!(send(server.get(ID).header("if-none-match", "\"2\"")).await.status, 200);
}

#[tokio::test]
async fn an_optional_body_may_be_absent_but_not_wrong() {
    let server = TestServer::start();
    assert_eq!(send(server.post("/api/v1/auth/probe")).await.body, json!({ "given": false, "scope": null }));
    let given = send(server.post("/api/v1/auth/probe").json(&json!({ "scope": "local" }))).await;
    assert_eq!(given.body, json!({ "given": true, "scope": "local" }));
    let wrong = send(server.post("/api/v1/auth/probe").json(&json!({ "scope": 1 }))).await;
    wrong.assert_problem(422, "VALIDATION_ERROR");
    send(server.post("/api/v1/auth/probe").body("scope=1")).await.assert_problem(415, "UNSUPPORTED_MEDIA_TYPE");
}
