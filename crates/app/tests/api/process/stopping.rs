//! Signals: no more requests are taken, and those in flight are finished.

use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::sleep;

use super::binary::{FAST, Server};

#[tokio::test]
async fn a_request_in_flight_is_finished_after_sigterm() {
    finishes_after("TERM").await;
}

#[tokio::test]
async fn a_request_in_flight_is_finished_after_sigint() {
    finishes_after("INT").await;
}

async fn finishes_after(signal: &str) {
    let server = Server::start(tempfile::tempdir().unwrap(), &FAST);
    let account = json!({"email": "ada@example.com", "password": "correct horse battery"});
    let account = server.send("POST", "/api/v1/auth/signup", "", Some(&account)).await.expect(201);
    let token = account["access_token"].as_str().unwrap();
    let address = server.address.strip_prefix("http://").unwrap();
    let mut idle = TcpStream::connect(address).await.unwrap();

    let body = r#"{"title": "sent slowly"}"#;
    let (start, end) = body.split_at(10);
    let head = format!(
        "POST /api/v1/tasks HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{start}",
        body.len()
    );
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    sleep(Duration::from_millis(300)).await;
    server.signal(signal);
    sleep(Duration::from_millis(300)).await;
    stream.write_all(end.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    assert!(answer.to_lowercase().contains("connection: close"), "{answer}");
    assert_eq!(idle.read(&mut [0; 1]).await.unwrap(), 0, "a connection that is idle is closed");

    let address = address.to_owned();
    let (code, folder, _) = tokio::task::spawn_blocking(move || server.end()).await.unwrap();
    assert_eq!(code, Some(0));
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
    let server = Server::start(folder, &FAST);
    let tasks = server.send("GET", "/api/v1/tasks", token, None).await.expect(200);
    assert_eq!(tasks["data"][0]["title"], "sent slowly");
}
