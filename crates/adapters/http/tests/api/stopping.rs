use std::time::{Duration, Instant};

use crate::server::{TestServer, send};

#[tokio::test]
async fn requests_in_flight_finish_and_idle_connections_close() {
    let server = TestServer::start();
    let mut idle = server.connect().await;
    idle.write("GET /health HTTP/1.1\r\nHost: x\r\n\r\n").await;
    idle.read_to("uptime_seconds").await;
    let in_flight = tokio::spawn(server.get("/api/v1/sleep/700").send());
    tokio::time::sleep(Duration::from_millis(200)).await;

    let begun = Instant::now();
    server.handle.stop(true).await;
    let took = begun.elapsed();
    assert_eq!(in_flight.await.unwrap().unwrap().status(), 204);
    assert!(took < Duration::from_secs(5), "stopped after {took:?}");
    assert!(idle.read_to_close(Duration::from_secs(2)).await.is_some());
    assert!(server.get("/health").send().await.is_err());
}

#[tokio::test]
async fn requests_that_take_too_long_are_cut_off() {
    let server = TestServer::with(|options| options.shutdown_timeout = Duration::from_secs(1));
    let in_flight = tokio::spawn(server.get("/api/v1/sleep/20000").send());
    tokio::time::sleep(Duration::from_millis(200)).await;
    let begun = Instant::now();
    server.handle.stop(true).await;
    assert!(begun.elapsed() < Duration::from_secs(4), "stopped after {:?}", begun.elapsed());
    assert!(in_flight.await.unwrap().is_err());
}

#[tokio::test]
async fn one_connection_serves_many_requests() {
    let server = TestServer::start();
    for _ in 0..50 {
        assert_eq!(send(server.get("/health")).await.status, 200);
    }
}
