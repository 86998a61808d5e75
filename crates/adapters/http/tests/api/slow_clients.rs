//! Clients that keep the server waiting, byte by byte or altogether, are dropped; others are not.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::server::{TestServer, Wire};

const TIMEOUT: Duration = Duration::from_millis(600);
/// The framework reads its clock every half second only.
const SLACK: Duration = Duration::from_millis(1_500);
const NEVER: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(50);

const HEALTH: &str = "GET /health HTTP/1.1\r\nHost: x\r\n\r\n";
const POST: &str = "POST /api/v1/probes HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";

fn server() -> TestServer {
    TestServer::with(|options| options.client_timeout = TIMEOUT)
}

async fn answered(server: &TestServer) -> Wire {
    let mut wire = server.connect().await;
    wire.write(HEALTH).await;
    wire.read_to("uptime_seconds").await;
    wire
}

/// Reads until the server closes the connection, and checks that this was neither too early nor too late.
async fn assert_dropped(wire: &mut Wire, begun: Instant, least: Duration, most: Duration) -> String {
    let text = wire.read_to_close(NEVER).await.map(|(_, text)| text);
    let took = begun.elapsed();
    let text = text.unwrap_or_else(|| panic!("still open after {took:?}"));
    assert!(took >= least && took <= most, "closed after {took:?}");
    text
}

/// Sends `text` in drips and checks that the server hangs up before it is all sent.
async fn assert_drip_dropped(wire: Wire, text: &str, most: Duration) -> String {
    let (mut reader, mut writer) = wire.split();
    let text = text.to_owned();
    let begun = Instant::now();
    let sending = tokio::spawn(async move {
        for byte in text.into_bytes() {
            if writer.write_all(&[byte]).await.is_err() {
                return;
            }
            tokio::time::sleep(PAUSE).await;
        }
        panic!("all of it was taken");
    });
    let mut answer = Vec::new();
    let closed = tokio::time::timeout(NEVER, reader.read_to_end(&mut answer)).await;
    let took = begun.elapsed();
    assert!(closed.is_ok() && took <= most, "after {took:?}");
    sending.abort();
    assert!(!sending.await.is_err_and(|error| error.is_panic()));
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_connection_that_says_nothing() {
    let server = server();
    let begun = Instant::now();
    let mut wire = server.connect().await;
    assert_dropped(&mut wire, begun, TIMEOUT, TIMEOUT + SLACK).await;
}

#[tokio::test]
async fn a_first_head_that_stops_or_drips() {
    let server = server();
    let begun = Instant::now();
    let mut wire = server.connect().await;
    wire.write("GET /health HT").await;
    assert_dropped(&mut wire, begun, TIMEOUT, TIMEOUT + SLACK).await;
    let endless = format!("GET /health HTTP/1.1\r\nX-Long: {}", "x".repeat(400));
    assert_drip_dropped(server.connect().await, &endless, TIMEOUT * 2 + SLACK).await;
}

#[tokio::test]
async fn a_second_head_that_stops_or_drips() {
    let server = server();
    let mut wire = answered(&server).await;
    let begun = Instant::now();
    wire.write("GET /health HT").await;
    assert_dropped(&mut wire, begun, TIMEOUT, TIMEOUT + SLACK).await;
    let endless = format!("GET /health HTTP/1.1\r\nX-Long: {}", "x".repeat(400));
    assert_drip_dropped(answered(&server).await, &endless, TIMEOUT * 2 + SLACK).await;
}

#[tokio::test]
async fn a_second_head_that_came_in_part_with_the_first() {
    let server = server();
    let begun = Instant::now();
    let mut wire = server.connect().await;
    wire.write(&format!("{HEALTH}GET /health HT")).await;
    let text = assert_dropped(&mut wire, begun, TIMEOUT / 2, TIMEOUT * 2 + SLACK).await;
    assert!(text.starts_with("HTTP/1.1 200 OK"), "{text}");
}

#[tokio::test]
async fn an_idle_connection() {
    let server = server();
    let mut wire = answered(&server).await;
    // The framework's timer for this may go off half a second early.
    let begun = Instant::now();
    assert_dropped(&mut wire, begun, Duration::from_millis(50), TIMEOUT + SLACK).await;
}

#[tokio::test]
async fn a_body_of_known_length_that_stops_or_drips() {
    let server = server();
    let begun = Instant::now();
    let mut wire = server.connect().await;
    wire.write(&format!("{POST}Content-Length: 400\r\n\r\n{{\"title\"")).await;
    let text = assert_dropped(&mut wire, begun, TIMEOUT, TIMEOUT + SLACK).await;
    assert!(text.starts_with("HTTP/1.1 408 ") && text.contains("REQUEST_TIMEOUT"), "{text}");

    let mut wire = server.connect().await;
    wire.write(&format!("{POST}Content-Length: 400\r\n\r\n")).await;
    let text = assert_drip_dropped(wire, &"x".repeat(400), TIMEOUT + SLACK).await;
    assert!(text.contains("REQUEST_TIMEOUT"), "{text}");
}

#[tokio::test]
async fn a_body_of_unknown_length_that_stops_or_drips() {
    let server = server();
    let begun = Instant::now();
    let mut wire = server.connect().await;
    wire.write(&format!("{POST}Transfer-Encoding: chunked\r\n\r\n5\r\n{{\"tit\r\n")).await;
    let text = assert_dropped(&mut wire, begun, TIMEOUT, TIMEOUT * 2 + SLACK).await;
    assert!(text.contains("REQUEST_TIMEOUT"), "{text}");

    let mut wire = server.connect().await;
    wire.write(&format!("{POST}Transfer-Encoding: chunked\r\n\r\n")).await;
    let text = assert_drip_dropped(wire, &"1\r\nx\r\n".repeat(70), TIMEOUT * 3 + SLACK).await;
    assert!(text.contains("REQUEST_TIMEOUT"), "{text}");
}

#[tokio::test]
async fn the_rest_of_a_body_that_was_refused_unread() {
    let server = server();
    let head = "POST /api/v1/decline HTTP/1.1\r\nHost: x\r\n";
    for framing in ["Content-Length: 400\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n"] {
        let begun = Instant::now();
        let mut wire = server.connect().await;
        wire.write(&format!("{head}{framing}")).await;
        let text = assert_dropped(&mut wire, begun, Duration::ZERO, TIMEOUT * 2 + SLACK).await;
        assert!(text.starts_with("HTTP/1.1 401 ") && text.contains("TOKEN_EXPIRED"), "{text}");
    }
}

#[tokio::test]
async fn an_answer_that_is_not_read() {
    let server = server();
    let (mut reader, mut writer) = server.connect().await.split();
    writer.write_all(b"GET /api/v1/flood HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    tokio::time::sleep(TIMEOUT * 2 + SLACK).await;
    let mut bytes = Vec::new();
    let ended = tokio::time::timeout(NEVER, reader.read_to_end(&mut bytes)).await;
    assert!(ended.is_ok(), "still open");
    assert!(bytes.len() < 64 * 1024 * 1024, "all {} bytes came", bytes.len());
}

#[tokio::test]
async fn a_client_that_is_only_slow_enough_is_kept() {
    let server = server();
    let mut wire = server.connect().await;
    // More requests on one connection than one timeout has room for, with pauses shorter than it.
    for _ in 0..6 {
        tokio::time::sleep(TIMEOUT / 6).await;
        wire.write("GET /health HT").await;
        tokio::time::sleep(TIMEOUT / 6).await;
        wire.write("TP/1.1\r\nHost: x\r\n\r\n").await;
        wire.read_to("uptime_seconds").await;
    }
    // A handler that takes longer than clients may is not the client's fault.
    wire.write("GET /api/v1/sleep/1500 HTTP/1.1\r\nHost: x\r\n\r\n").await;
    wire.read_to("204 No Content").await;
    wire.write(HEALTH).await;
    wire.read_to("uptime_seconds").await;
}

#[tokio::test]
async fn a_body_that_comes_fast_enough_may_take_longer_than_the_timeout() {
    let server = TestServer::with(|options| {
        options.client_timeout = TIMEOUT;
        options.body_bytes_per_second = 100;
    });
    let mut wire = server.connect().await;
    let body = format!("{:<300}", "{\"title\": \"a\"}");
    wire.write(&format!("{POST}Content-Length: 300\r\n\r\n")).await;
    let begun = Instant::now();
    for part in body.as_bytes().chunks(30) {
        tokio::time::sleep(TIMEOUT / 4).await;
        wire.write(str::from_utf8(part).unwrap()).await;
    }
    let text = wire.read_to("labels").await;
    assert!(text.starts_with("HTTP/1.1 201 ") && begun.elapsed() > TIMEOUT, "{text}");
}
