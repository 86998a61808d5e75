use std::time::Instant;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::*;

/// SHA-1 of `password` is 5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8.
const SUFFIX: &str = "1E4C9B93F3F0682250B6CF8331B7EE68FD8";

/// Answers one connection with these pieces, `pause` before each, and tells what was asked.
async fn service(pieces: Vec<String>, pause: Duration) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/range/", listener.local_addr().unwrap());
    let served = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 4096];
        let length = stream.read(&mut request).await.unwrap();
        for piece in pieces {
            tokio::time::sleep(pause).await;
            // A client that has had enough goes away.
            let _ = stream.write_all(piece.as_bytes()).await;
        }
        String::from_utf8_lossy(&request[..length]).into_owned()
    });
    (url, served)
}

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
}

async fn contains(url: &str) -> (bool, BreachedPasswordCounts) {
    let lookup = BreachedPasswordLookup::new(url).unwrap();
    let found = lookup.contains(&Password::parse("password").unwrap()).await;
    (found, lookup.counts())
}

#[tokio::test]
async fn a_listed_password_is_found_and_only_five_digits_are_told() {
    let body = format!("0018A45C4D1DEF81644B54AB7F969B88D65:1\r\n{SUFFIX}:10434004\r\n");
    let (url, served) = service(vec![ok(&body)], Duration::ZERO).await;
    assert_eq!(contains(&url).await, (true, BreachedPasswordCounts { found: 1, ..Default::default() }));
    let asked = served.await.unwrap();
    assert!(asked.starts_with("GET /range/5BAA6 HTTP/1.1\r\n"), "{asked}");
    let headers = asked.to_lowercase();
    assert!(headers.contains("\r\nadd-padding: true\r\n") && headers.contains("\r\nuser-agent: tenantry/"), "{asked}");
    assert!(!asked.contains(SUFFIX), "{asked}");
}

#[tokio::test]
async fn what_is_not_listed_or_made_up_is_not_found() {
    for body in [
        String::new(),
        format!("{SUFFIX}:0\r\n"),
        "0018A45C4D1DEF81644B54AB7F969B88D65:7".to_owned(),
        format!("{SUFFIX}\r\n{SUFFIX}:many"),
    ] {
        let (url, _served) = service(vec![ok(&body)], Duration::ZERO).await;
        let absent = BreachedPasswordCounts { absent: 1, ..Default::default() };
        assert_eq!(contains(&url).await, (false, absent), "{body}");
    }
    assert!(lists(&format!("{}:3", SUFFIX.to_lowercase()), SUFFIX));
}

#[tokio::test]
async fn a_service_that_is_broken_away_or_slow_lets_passwords_through_in_time() {
    let failed = BreachedPasswordCounts { failed: 1, ..Default::default() };
    let listed = format!("{SUFFIX}:5\r\n");
    let error = format!("HTTP/1.1 503 Busy\r\ncontent-length: {}\r\n\r\n{listed}", listed.len());
    let moved = "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n".to_owned();
    let cut = "HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\nhalf".to_owned();
    let dripping = vec!["HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n".to_owned(), "0".to_owned(), "0".to_owned()];
    for (pieces, pause) in [
        (vec![error], Duration::ZERO),
        (vec!["not HTTP at all\r\n\r\n".to_owned()], Duration::ZERO),
        (vec![cut], Duration::ZERO),
        (vec![ok(&listed)], Duration::from_secs(3)),
        (dripping, Duration::from_millis(200)),
    ] {
        let (url, _served) = service(pieces.clone(), pause).await;
        let start = Instant::now();
        assert_eq!(contains(&url).await, (false, failed), "{pieces:?}");
        assert!(start.elapsed() < Duration::from_secs(2), "{pieces:?}");
    }
    assert_eq!(contains("http://127.0.0.1:1").await, (false, failed));
    let (url, _served) = service(vec![moved], Duration::ZERO).await;
    // It answered, and with nothing that is a list.
    assert!(!contains(&url).await.0);
    let endless = "0".repeat(MAX_ANSWER + 1);
    let (url, _served) = service(vec![ok(&endless)], Duration::ZERO).await;
    assert_eq!(contains(&url).await, (false, failed));
}
