use std::{collections::BTreeSet, time::Duration};

use serde_json::{Value, json};

use crate::server::{TestServer, send};

#[tokio::test]
async fn the_root_names_the_entrances() {
    let server = TestServer::start();
    let answer = send(server.get("/")).await;
    for member in ["docs", "openapi", "health"] {
        assert_eq!(server.get(answer.text(member)).send().await.unwrap().status(), 200, "{member}");
    }
    assert_eq!(answer.text("name"), "Tenantry");
    assert_eq!(send(server.get("/.well-known/jwks.json")).await.body, json!({ "keys": [] }));
}

#[tokio::test]
async fn health_tells_the_process_from_its_database() {
    let server = TestServer::start();
    for path in ["/health", "/api/health", "/api/v1/health"] {
        let answer = send(server.get(path)).await;
        assert_eq!((answer.status, answer.text("status")), (200, "healthy"));
        assert!(answer.body["uptime_seconds"].is_u64() && answer.body["version"].is_string());
    }
    for path in ["/health/db", "/api/health/db", "/api/v1/health/db"] {
        let answer = send(server.get(path)).await;
        let expected = json!({
            "status": "healthy", "backend": "sqlite", "latency_ms": 1.5, "migrations": { "applied": 7, "pending": 0 },
        });
        assert_eq!((answer.status, answer.body), (200, expected));
    }
    server.database.cut();
    let answer = send(server.get("/health/db")).await;
    assert_eq!((answer.status, answer.text("status")), (503, "unhealthy"));
    assert_eq!(send(server.get("/health")).await.status, 200);
}

#[tokio::test]
async fn readiness_follows_the_server_and_its_database() {
    let server = TestServer::start();
    let ready = || async {
        let answer = send(server.get("/health/ready")).await;
        (answer.status, answer.text("status").to_owned())
    };
    assert_eq!(ready().await, (503, "starting".to_owned()));
    server.state.readiness.ready();
    assert_eq!(ready().await, (200, "ready".to_owned()));
    server.state.readiness.draining();
    assert_eq!(ready().await, (503, "draining".to_owned()));
    server.state.readiness.ready();
    server.database.cut();
    assert_eq!(ready().await, (503, "unavailable".to_owned()));
    assert_eq!(send(server.get("/health/live")).await.status, 200);
}

#[tokio::test]
async fn the_document_and_the_server_agree() {
    let server = TestServer::start();
    let document = send(server.get("/api/v1/openapi.json")).await.body;
    assert_eq!(send(server.get("/openapi.json")).await.body, document);
    let mut documented = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            documented.insert((method.to_uppercase(), path.clone()));
            let path = path.replace("{milliseconds}", "0").replace(['{', '}'], "");
            let method: reqwest::Method = method.to_uppercase().parse().unwrap();
            let status = server.request(method.clone(), &path).send().await.unwrap().status().as_u16();
            assert_ne!(status, 405, "{method} {path}");
        }
    }
    for (method, path) in [("PUT", "/api/v1/probes/{id}"), ("PATCH", "/api/v1/probes/{id}"), ("GET", "/api/v1/samples")]
    {
        assert!(documented.contains(&(method.to_owned(), path.to_owned())), "{method} {path}");
    }
}

#[tokio::test]
async fn operations_are_described_with_schemas_ids_and_problems() {
    let server = TestServer::start();
    let document = send(server.get("/openapi.json")).await.body;
    let at = |pointer: &str| document.pointer(pointer).unwrap_or_else(|| panic!("no {pointer}"));
    assert_eq!(at("/paths/~1api~1v1~1probes/post/operationId"), "probes_create");
    assert_eq!(at("/paths/~1api~1v1~1probes~1{id}/put/operationId"), "probes_update_put");
    assert_eq!(at("/paths/~1api~1v1~1samples/get/operationId"), "probes_list_at_samples");
    let problem = json!({ "$ref": "#/components/responses/Problem" });
    assert_eq!(at("/paths/~1api~1v1~1probes/post/responses/default"), &problem);
    assert_eq!(at("/security"), &json!([{ "bearer": [] }]));
    let patch = at("/components/schemas/UpdateProbe");
    assert_eq!(patch.get("required"), None);
    assert_eq!(patch.pointer("/properties/title/type"), Some(&json!(["string", "null"])));
    let list = at("/paths/~1api~1v1~1probes/get/responses/200/content/application~1json/schema");
    assert!(list["$ref"].as_str().unwrap().contains("NumberView"), "{list}");
    let parameters: Vec<&Value> =
        at("/paths/~1api~1v1~1probes/get/parameters").as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(parameters, ["page", "limit", "cursor", "from", "sort"]);
}

#[tokio::test]
async fn viewers_load_everything_from_the_server() {
    let server = TestServer::start();
    for page in ["/docs", "/docs/", "/redoc"] {
        let answer = server.get(page).send().await.unwrap();
        assert_eq!(answer.headers()["content-type"], "text/html; charset=utf-8", "{page}");
        let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert!(policy.contains("script-src 'self';") && !policy.contains("http"), "{policy}");
        let html = answer.text().await.unwrap();
        for link in html.split(['"']).filter(|part| part.starts_with("http") || part.starts_with('/')) {
            let loaded = server.get(link).send().await.unwrap();
            assert_eq!(loaded.status(), 200, "{link}");
            assert!(!loaded.bytes().await.unwrap().is_empty(), "{link}");
        }
    }
    let script = server.get("/docs/swagger-ui-bundle.js").send().await.unwrap();
    assert!(script.headers()["content-type"].to_str().unwrap().contains("javascript"));
    assert!(script.text().await.unwrap().contains("SwaggerUIBundle"));
    assert!(server.get("/redoc/redoc.standalone.js").send().await.unwrap().text().await.unwrap().contains("Redoc"));
}

#[tokio::test]
async fn metrics_count_by_route_and_ask_for_their_token() {
    let server = TestServer::with(|options| options.metrics_token = Some("m-token".into()));
    server.get("/api/v1/probes/7").send().await.unwrap();
    server.get("/some/secret/path").send().await.unwrap();
    server.get("/api/v1/sleep/1").timeout(Duration::from_secs(5)).send().await.unwrap();
    let gauge = prometheus::IntGauge::new("pool_connections", "Connections.").unwrap();
    gauge.set(3);
    server.state.metrics.registry().register(Box::new(gauge)).unwrap();

    send(server.get("/metrics")).await.assert_problem(401, "UNAUTHENTICATED");
    send(server.get("/metrics").bearer_auth("other")).await.assert_problem(401, "TOKEN_INVALID");
    let text = server.get("/metrics").bearer_auth("m-token").send().await.unwrap().text().await.unwrap();
    for line in [
        "http_requests_total{method=\"GET\",route=\"/api/v1/probes/{id}\",status=\"404\"} 1",
        "http_requests_total{method=\"GET\",route=\"none\",status=\"404\"} 1",
        "http_request_duration_seconds_count{method=\"GET\",route=\"/api/v1/sleep/{milliseconds}\"} 1",
        "pool_connections 3",
    ] {
        assert!(text.contains(line), "no {line} in\n{text}");
    }
    assert!(!text.contains("secret"));
}
