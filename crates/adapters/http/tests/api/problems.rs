use std::time::Duration;

use reqwest::{Method, header::CONTENT_TYPE};
use serde_json::json;

use crate::server::{TestServer, send};

#[tokio::test]
async fn unknown_paths_and_malformed_ids_are_404() {
    let server = TestServer::start();
    for path in
        ["/nothing", "/api/v1/nothing", "/api/v1/probes/7", "/api/v1/probes/x/y", "/problems/none", "/docs/none"]
    {
        let answer = send(server.get(path)).await;
        answer.assert_problem(404, "NOT_FOUND");
        assert_eq!(answer.text("instance"), path);
    }
}

#[tokio::test]
async fn other_methods_are_405_and_named() {
    let server = TestServer::start();
    let answer = send(server.request(Method::DELETE, "/api/v1/probes")).await;
    answer.assert_problem(405, "METHOD_NOT_ALLOWED");
    assert_eq!(answer.header("allow"), Some("GET, HEAD, POST"));
    let answer = send(server.post("/api/v1/probes/7")).await;
    answer.assert_problem(405, "METHOD_NOT_ALLOWED");
    assert_eq!(answer.header("allow"), Some("GET, HEAD, PATCH, PUT"));
}

#[tokio::test]
async fn head_answers_where_get_does() {
    let server = TestServer::start();
    let answer = send(server.request(Method::HEAD, "/api/v1/probes")).await;
    assert_eq!((answer.status, answer.body), (200, json!(null)));
}

#[tokio::test]
async fn panics_are_500_without_their_text_and_the_server_goes_on() {
    let server = TestServer::start();
    let answer = send(server.post("/api/v1/panic/t0ken")).await;
    answer.assert_problem(500, "INTERNAL_ERROR");
    assert!(!answer.body.to_string().contains("secret"));
    assert_eq!(send(server.get("/health")).await.status, 200);
}

#[tokio::test]
async fn what_takes_too_long_is_504() {
    let server = TestServer::with(|options| options.request_timeout = Duration::from_millis(100));
    send(server.get("/api/v1/sleep/5000")).await.assert_problem(504, "TIMEOUT");
    assert_eq!(send(server.get("/api/v1/sleep/1")).await.status, 204);
}

#[tokio::test]
async fn bodies_that_are_too_large_are_413_announced_or_not() {
    let server = TestServer::with(|options| options.body_limit_bytes = 100);
    let long = json!({ "title": "x".repeat(100) }).to_string();
    let answer = send(server.post("/api/v1/probes").header(CONTENT_TYPE, "application/json").body(long.clone())).await;
    answer.assert_problem(413, "PAYLOAD_TOO_LARGE");

    let mut wire = server.connect().await;
    let size = long.len();
    wire.write(&format!(
        "POST /api/v1/probes HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
         Transfer-Encoding: chunked\r\n\r\n{size:x}\r\n{long}\r\n0\r\n\r\n"
    ))
    .await;
    let text = wire.read_to("PAYLOAD_TOO_LARGE").await;
    assert!(text.starts_with("HTTP/1.1 413 "), "{text}");
}

#[tokio::test]
async fn other_media_types_and_encodings_are_415() {
    let server = TestServer::start();
    let post = || server.post("/api/v1/probes").body(r#"{"title": "a"}"#);
    send(post()).await.assert_problem(415, "UNSUPPORTED_MEDIA_TYPE");
    send(post().header(CONTENT_TYPE, "text/plain")).await.assert_problem(415, "UNSUPPORTED_MEDIA_TYPE");
    let encoded = post().header(CONTENT_TYPE, "application/json").header("content-encoding", "gzip");
    send(encoded).await.assert_problem(415, "UNSUPPORTED_MEDIA_TYPE");
    let charset = post().header(CONTENT_TYPE, "application/json; charset=utf-8");
    assert_eq!(send(charset).await.status, 201);
}

#[tokio::test]
async fn a_refused_preflight_is_a_problem() {
    let server = TestServer::with(|options| options.allowed_origins = vec!["https://app.example".to_owned()]);
    let preflight = server
        .request(Method::OPTIONS, "/api/v1/probes")
        .header("origin", "https://evil.example")
        .header("access-control-request-method", "POST");
    send(preflight).await.assert_problem(400, "MALFORMED_REQUEST");
}

#[tokio::test]
async fn the_unversioned_prefix_leads_to_the_same_place() {
    let server = TestServer::start();
    for path in ["/api/probes", "/api/v1/probes/", "/api/probes/", "/api/samples"] {
        assert_eq!(send(server.get(path)).await.body["count"], 50, "{path}");
    }
    let answer = send(server.get("/api/probes/7?x=1")).await;
    answer.assert_problem(404, "NOT_FOUND");
    assert_eq!(answer.text("instance"), "/api/probes/7");
}

#[tokio::test]
async fn each_type_is_explained() {
    let server = TestServer::start();
    let answer = send(server.get("/problems/validation-error")).await;
    assert_eq!((answer.status, answer.text("error_code")), (200, "VALIDATION_ERROR"));
    let page = server.get("/problems/validation-error").header("accept", "text/html,*/*").send().await.unwrap();
    assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
    assert!(page.text().await.unwrap().contains("<h1>Validation failed</h1>"));
}
