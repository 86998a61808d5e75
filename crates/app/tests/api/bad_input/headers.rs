//! Headers that mean something to the server.

use super::{Verdict, judge};
use crate::fixture::Fixture;
use crate::on_both_databases;
use crate::site::{API, Site};

on_both_databases!(
    credentials_of_any_form_are_refused,
    other_headers_of_any_form_do_no_harm,
    what_is_no_http_is_refused
);

fn hostile() -> Vec<String> {
    let texts = ["", " ", "\t", "é", "\u{1f980}", "'; DROP TABLE tasks; --", "*", ",", ";;;", "=", "\"", "%00", "null"];
    texts.iter().map(|text| (*text).to_owned()).chain(["x".repeat(20_000)]).collect()
}

async fn credentials_of_any_form_are_refused(site: &Site) {
    let fixture = Fixture::of(site).await;
    let token = &fixture.owner.access_token;
    let forms = ["Bearer", "Bearer ", "Basic YTpi", "Bearer a b", "Token", "bearer\u{a0}x"];
    let others = [format!("Basic {token}"), token.clone(), format!("Bearer {token}x"), format!("Bearer x {token}")];
    let values = forms.iter().map(|form| (*form).to_owned()).chain(others).chain(hostile());
    for value in values.chain(hostile().iter().map(|value| format!("Bearer {value}"))) {
        let ask = site.ask("GET", "/tasks").header("authorization", &value);
        let answer = judge(site, ask, Verdict::Refused, &value).await;
        assert_eq!(answer.status, 401, "{answer}");
    }
    // The scheme's name has no case.
    site.ask("GET", "/tasks").header("authorization", &format!("bEARER {token}")).send().await.expect(200);
}

async fn other_headers_of_any_form_do_no_harm(site: &Site) {
    let fixture = Fixture::of(site).await;
    let names = [
        "x-organization-id",
        "x-request-id",
        "idempotency-key",
        "if-match",
        "if-none-match",
        "accept",
        "accept-encoding",
        "content-type",
        "content-encoding",
        "origin",
        "user-agent",
        "cookie",
        "x-forwarded-for",
        "x-forwarded-proto",
        "range",
        "access-control-request-method",
    ];
    for name in names {
        for value in hostile() {
            for (method, path, body) in
                [("POST", "/tasks", r#"{"title": "x"}"#), ("GET", "/tasks", ""), ("OPTIONS", "/tasks", "")]
            {
                let ask = fixture.owner.ask(method, path).header(name, &value);
                let ask =
                    if name.starts_with("content-") { ask } else { ask.header("content-type", "application/json") };
                let what = format!("{name}: {value:.20}");
                let answer = judge(site, ask.bytes(body), Verdict::Either, &what).await;
                assert!(answer.header("access-control-allow-origin") != "*", "{what}: {answer}");
            }
        }
    }
}

async fn what_is_no_http_is_refused(site: &Site) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let address = site.running.address();
    let requests: [&[u8]; 8] = [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET /\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /\x00 HTTP/1.1\r\nhost: x\r\n\r\n",
        b"POST /api/v1/tasks HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
        b"POST /api/v1/tasks HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        b"POST /api/v1/tasks HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\r\nbad header\r\n\r\n",
    ];
    for request in requests {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        stream.write_all(request).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        let text = String::from_utf8_lossy(&answer);
        assert!(text.is_empty() || text.starts_with("HTTP/1.1 4"), "{request:?}: {text}");
    }
    site.at("GET", &format!("{API}/health")).send().await.expect(200);
}
