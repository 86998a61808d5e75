use reqwest::{Method, header::AUTHORIZATION};

use crate::server::{TestServer, send};

const PROBE: &str = "/api/v1/probes/01890a5d-ac96-774b-bcce-b302099a8057";

#[tokio::test]
async fn every_answer_is_protected() {
    let server = TestServer::start();
    for path in ["/", "/health", PROBE, "/nothing", "/api/v1/probes?page=0", "/api/v1/flood?x", "/docs", "/metrics"] {
        let answer = server.get(path).send().await.unwrap();
        let headers = answer.headers();
        assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(headers["x-frame-options"], "DENY", "{path}");
        assert_eq!(headers["referrer-policy"], "no-referrer", "{path}");
        assert!(headers.contains_key("x-request-id"), "{path}");
        assert!(headers["content-security-policy"].to_str().unwrap().starts_with("default-src 'none';"), "{path}");
        assert!(!headers.contains_key("strict-transport-security"), "{path}");
    }
}

#[tokio::test]
async fn answers_about_or_with_credentials_are_not_stored() {
    let server = TestServer::start();
    assert_eq!(send(server.get(PROBE)).await.header("cache-control"), None);
    for request in [
        server.get(PROBE).header(AUTHORIZATION, "Bearer x"),
        server.get("/nothing").header(AUTHORIZATION, "Bearer x"),
        server.post("/api/v1/auth/probe"),
        server.post("/api/auth/probe"),
        server.get("/api/v1/auth/nothing"),
    ] {
        assert_eq!(send(request).await.header("cache-control"), Some("no-store"));
    }
}

#[tokio::test]
async fn https_is_remembered_where_it_was_used() {
    let stranger = TestServer::start();
    let answer = send(stranger.get("/health").header("x-forwarded-proto", "https")).await;
    assert_eq!(answer.header("strict-transport-security"), None);
    let server = TestServer::with(|options| options.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()]);
    let answer = send(server.get("/health").header("x-forwarded-proto", "https")).await;
    assert_eq!(answer.header("strict-transport-security"), Some("max-age=31536000; includeSubDomains"));
    let server = TestServer::with(|options| options.always_https = true);
    assert!(send(server.get("/nothing")).await.header("strict-transport-security").is_some());
}

#[tokio::test]
async fn requests_in_the_clear_are_sent_on_or_refused() {
    let server = TestServer::with(|options| {
        options.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
        options.https_origin = Some("https://api.example".to_owned());
    });
    let mut wire = server.connect().await;
    wire.write("GET /docs?a=b HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let page = wire.read_to("\r\n\r\n").await;
    assert!(page.starts_with("HTTP/1.1 308 "), "{page}");
    assert!(page.contains("\r\nlocation: https://api.example/docs?a=b\r\n"), "{page}");
    let ask = |method: Method, path: &str| server.request(method, path);
    for request in [
        ask(Method::POST, "/api/v1/probes"),
        ask(Method::GET, PROBE).header(AUTHORIZATION, "Bearer x"),
        ask(Method::POST, "/api/v1/probes").header("x-forwarded-proto", "http"),
    ] {
        let refused = send(request).await;
        assert_eq!((refused.status, refused.text("error_code")), (403, "FORBIDDEN"));
    }
    for path in ["/health", "/health/live", "/api/health", "/metrics"] {
        assert_eq!(send(ask(Method::GET, path)).await.status, 200, "{path}");
    }
    let secure = send(ask(Method::GET, "/docs").header("x-forwarded-proto", "https")).await;
    assert_eq!(secure.status, 200);
    assert!(secure.header("strict-transport-security").is_some());
}

#[tokio::test]
async fn pages_of_strangers_change_nothing() {
    let server = TestServer::with(|options| options.allowed_origins = vec!["https://app.example".to_owned()]);
    let post = |site: &'static str, origin: &'static str| {
        server.post("/api/v1/probes").header("sec-fetch-site", site).header("origin", origin)
    };
    for (site, origin) in
        [("cross-site", "https://evil.example"), ("same-site", "https://evil.app.example"), ("cross-site", "null")]
    {
        let refused = send(post(site, origin).header("cookie", "session=1")).await;
        assert_eq!((refused.status, refused.text("error_code")), (403, "FORBIDDEN"), "{site} {origin}");
    }
    for (site, origin) in
        [("cross-site", "https://app.example"), ("same-origin", "https://api.example"), ("none", "null")]
    {
        assert_ne!(send(post(site, origin)).await.status, 403, "{site} {origin}");
    }
    // Links may lead here from anywhere.
    assert_eq!(send(server.get("/docs").header("sec-fetch-site", "cross-site")).await.status, 200);
}

#[tokio::test]
async fn good_request_ids_are_kept_and_others_replaced() {
    let server = TestServer::start();
    let answer = send(server.get("/nothing").header("x-request-id", "abc-1.2_3")).await;
    assert_eq!((answer.header("x-request-id"), answer.text("request_id")), (Some("abc-1.2_3"), "abc-1.2_3"));
    let made = send(server.get("/health").header("x-request-id", "a b")).await;
    let made = made.header("x-request-id").unwrap();
    assert_eq!(uuid::Uuid::parse_str(made).unwrap().get_version_num(), 7);
}

#[tokio::test]
async fn configured_origins_may_call() {
    let server = TestServer::with(|options| options.allowed_origins = vec!["https://app.example".to_owned()]);
    let preflight = server
        .request(Method::OPTIONS, PROBE)
        .header("origin", "https://app.example")
        .header("access-control-request-method", "PATCH")
        .header("access-control-request-headers", "authorization,if-match,content-type,idempotency-key");
    let answer = send(preflight).await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, Some("https://app.example")));
    for path in [PROBE, "/nothing"] {
        let answer = send(server.get(path).header("origin", "https://app.example")).await;
        assert_eq!(answer.header("access-control-allow-origin"), Some("https://app.example"), "{path}");
        assert!(answer.header("access-control-expose-headers").unwrap().to_lowercase().contains("etag"), "{path}");
        let answer = send(server.get(path).header("origin", "https://evil.example")).await;
        assert_eq!(answer.header("access-control-allow-origin"), None, "{path}");
    }
}

#[tokio::test]
async fn answers_are_compressed_for_those_who_ask() {
    let server = TestServer::start();
    let packed = server.get(PROBE).header("accept-encoding", "gzip").send().await.unwrap();
    assert_eq!(packed.headers()["content-encoding"], "gzip");
    assert!(packed.bytes().await.unwrap().starts_with(&[0x1f, 0x8b]));
    let plain = server.get(PROBE).send().await.unwrap();
    assert!(!plain.headers().contains_key("content-encoding"));
    let problem = send(server.get("/nothing").header("accept-encoding", "gzip")).await;
    problem.assert_problem(404, "NOT_FOUND");
}
