//! C12: one line of JSON a request, and no secret in any.

use serde_json::{Value, json};

use super::binary::{FAST, Server};

#[tokio::test]
async fn c12_each_request_is_one_line_of_json_without_secrets() {
    let variables = [&FAST[..], &[("TENANTRY__LOG__FORMAT", "json"), ("RUST_LOG", "info,tenantry=trace")]].concat();
    let mut server = Server::start(tempfile::tempdir().unwrap(), &variables);
    let one_time = server.one_time_password();
    let password = "correct horse battery";
    let account = json!({"email": "ada@example.com", "username": "ada", "password": password});
    let account = server.send("POST", "/api/v1/auth/signup", "", Some(&account)).await.expect(201);
    let token = account["access_token"].as_str().unwrap();
    let refresh = account["refresh_token"].as_str().unwrap();
    let wrong = json!({"username": "ada", "password": "wrong horse battery"});
    server.send("POST", "/api/v1/auth/login", "", Some(&wrong)).await.refused(401, "INVALID_CREDENTIALS");
    server.send("POST", "/api/v1/auth/refresh", "", Some(&json!({"refresh_token": refresh}))).await.expect(200);
    let task = json!({"title": "a private title"});
    let made = server.send("POST", "/api/v1/tasks", token, Some(&task)).await;
    made.expect(201);
    server.send("GET", "/api/v1/tasks?q=private", token, None).await.expect(200);
    server.send("GET", "/api/v1/reset/secret-in-a-path", "", None).await.refused(404, "NOT_FOUND");
    server.signal("TERM");
    let log_of = server.folder().join("log");
    let (code, _folder, _) = server.end();
    assert_eq!(code, Some(0));

    let log = std::fs::read_to_string(log_of).unwrap();
    for secret in [
        password,
        "wrong horse battery",
        &one_time,
        token,
        refresh,
        "a private title",
        "q=private",
        "secret-in-a-path",
        "ada@",
    ] {
        assert!(!log.contains(secret), "{secret} is in the log:\n{log}");
    }
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let requests: Vec<&Value> = lines.iter().filter(|line| line["message"] == "request answered").collect();
    assert_eq!(requests.len(), 6, "{log}");
    let line = requests.iter().find(|line| line["request_id"] == made.header("x-request-id")).unwrap();
    for (field, value) in [
        ("method", json!("POST")),
        ("route", json!("/api/v1/tasks")),
        ("status", json!(201)),
        ("user_id", account["user"]["id"].clone()),
        ("organization_id", account["organization"]["id"].clone()),
        ("level", json!("INFO")),
    ] {
        assert_eq!(line[field], value, "{line}");
    }
    assert!(line["duration_ms"].is_number() && line["timestamp"].is_string(), "{line}");
}
