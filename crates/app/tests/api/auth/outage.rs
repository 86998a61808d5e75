//! While the database is away nobody is let in, and nobody is signed out.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::sleep;
use url::Url;

use crate::answer::Answer;
use crate::database::Database;
use crate::person::Person;
use crate::site::{PASSWORD, Site};

/// A line to a server that can be cut: whoever calls while it is cut is refused, as by a server that is down.
struct Line {
    port: u16,
    connected: watch::Sender<bool>,
}

impl Line {
    async fn to(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (connected, state) = watch::channel(true);
        tokio::spawn(keep(listener, server, state));
        Self { port, connected }
    }
}

/// Listens while the line is not cut.
async fn keep(mut listener: TcpListener, server: String, mut state: watch::Receiver<bool>) {
    let address = listener.local_addr().unwrap();
    loop {
        tokio::select! {
            call = listener.accept() => {
                tokio::spawn(carry(call.unwrap().0, server.clone(), state.clone()));
            }
            () = cut(state.clone()) => {
                drop(listener);
                if state.wait_for(|connected| *connected).await.is_err() {
                    return;
                }
                listener = TcpListener::bind(address).await.unwrap();
            }
        }
    }
}

/// Passes on what both sides say until the line is cut.
async fn carry(mut near: TcpStream, server: String, state: watch::Receiver<bool>) {
    let mut far = TcpStream::connect(server).await.unwrap();
    tokio::select! {
        _ = copy_bidirectional(&mut near, &mut far) => {}
        () = cut(state) => {}
    }
}

/// Ends when the line is cut, or given up.
async fn cut(mut state: watch::Receiver<bool>) {
    drop(state.wait_for(|connected| !*connected).await);
}

#[tokio::test]
async fn m5_no_wrong_answer_while_the_database_is_away() {
    let Some(database) = Database::postgres().await else { return };
    let mut url = Url::parse(&database.variables()[0].1).unwrap();
    let line = Line::to(format!("{}:{}", url.host_str().unwrap(), url.port().unwrap_or(5432))).await;
    url.set_port(Some(line.port)).unwrap();
    let settings = [("DATABASE_URL", url.as_str()), ("TENANTRY__DATABASE__ACQUIRE_TIMEOUT_SECONDS", "1")];
    let site = Site::start(Arc::new(database), &settings).await;
    let ada = site.newcomer().await;
    let task = ada.task(json!({"title": "stays"})).await;
    let signed_out = site.newcomer().await;
    signed_out.ask("POST", "/auth/logout").send().await.expect(200);

    line.connected.send_replace(false);
    let cut = Instant::now();
    // Longer than what a node knows counts as fresh.
    while cut.elapsed() < Duration::from_millis(6_500) {
        check_refusals(&site, &ada, &signed_out).await;
        sleep(Duration::from_millis(400)).await;
    }
    site.at("GET", "/health/live").send().await.expect(200);
    assert_eq!(site.at("GET", "/health/ready").send().await.expect(503)["status"], "unavailable");

    line.connected.send_replace(true);
    recovered(&site).await;
    assert_eq!(ada.get("/tasks").await.expect(200)["data"], json!([task]));
    signed_out.get("/users/me").await.refused(401, "SESSION_REVOKED");
    site.post("/auth/refresh", json!({"refresh_token": ada.refresh_token})).await.expect(200);
    site.stop().await;
}

async fn check_refusals(site: &Site, ada: &Person<'_>, signed_out: &Person<'_>) {
    let refresh = json!({"refresh_token": ada.refresh_token});
    let unavailable: [Answer; 5] = tokio::join!(
        ada.get("/tasks"),
        ada.post("/tasks", json!({"title": "lost"})),
        site.login(&ada.email, PASSWORD),
        site.login("nobody", PASSWORD),
        site.post("/auth/refresh", refresh),
    )
    .into();
    for answer in unavailable {
        answer.refused(503, "UNAVAILABLE");
        assert!(!answer.header("retry-after").is_empty(), "{answer}");
    }
    // That a session has ended may be told for as long as it is remembered.
    let answer = signed_out.get("/users/me").await;
    assert!(matches!(answer.status, 401 | 503), "{answer}");
}

/// Waits until the node serves again, by itself.
async fn recovered(site: &Site) {
    let connected = Instant::now();
    while site.at("GET", "/health/ready").send().await.status != 200 {
        assert!(connected.elapsed() < Duration::from_secs(10), "the node did not recover");
        sleep(Duration::from_millis(100)).await;
    }
}
