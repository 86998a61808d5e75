use std::{
    io,
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};

use serde_json::{Value, json};
use tracing_subscriber::fmt::MakeWriter;

use crate::server::{TestServer, send};

/// What was logged by all tests of this process.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Log {
    fn install() -> &'static Self {
        static LOG: OnceLock<Log> = OnceLock::new();
        LOG.get_or_init(|| {
            let log = Self::default();
            let subscriber = tracing_subscriber::fmt().json().with_writer(log.clone()).finish();
            tracing::subscriber::set_global_default(subscriber).unwrap();
            log
        })
    }

    /// The lines about this request, once there are some.
    async fn lines(&self, request_id: &str) -> Vec<Value> {
        for _ in 0..100 {
            let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
            let lines: Vec<Value> = text
                .lines()
                .filter(|line| line.contains(request_id))
                .filter_map(|line| serde_json::from_str(line).ok())
                .collect();
            if lines.iter().any(|line| line["fields"]["message"] == "request answered") {
                return lines;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("no line about {request_id}");
    }
}

#[tokio::test]
async fn a_request_is_one_line_with_its_route_and_user_and_without_secrets() {
    let log = Log::install();
    let server = TestServer::start();
    let post = server.post("/api/probes?token=s3cret").bearer_auth("s3cret").header("x-request-id", "log-1");
    assert_eq!(send(post.json(&json!({ "title": "s3cret" }))).await.status, 201);
    let lines = log.lines("log-1").await;
    assert_eq!(lines.len(), 1, "{lines:?}");
    let fields = &lines[0]["fields"];
    assert_eq!(fields["method"], "POST");
    assert_eq!(fields["route"], "/api/v1/probes");
    assert_eq!(fields["status"], 201);
    assert_eq!(fields["request_id"], "log-1");
    assert_eq!(fields["user_id"], "00000000-0000-0000-0000-000000000001");
    assert_eq!(fields["organization_id"], "00000000-0000-0000-0000-000000000002");
    assert!(fields["duration_ms"].is_f64());
    assert!(!lines[0].to_string().contains("s3cret"), "{}", lines[0]);
}

#[tokio::test]
async fn a_panic_is_logged_once_with_the_route_but_not_the_path() {
    let log = Log::install();
    let server = TestServer::start();
    send(server.post("/api/v1/panic/s3cret").header("x-request-id", "log-2"))
        .await
        .assert_problem(500, "INTERNAL_ERROR");
    let lines = log.lines("log-2").await;
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert_eq!(lines[0]["fields"]["panic"], "the secret of the panic");
    assert_eq!(lines[1]["fields"]["route"], "/api/v1/panic/{token}");
    assert_eq!(lines[1]["fields"].get("user_id"), None);
    assert!(!format!("{lines:?}").contains("s3cret"));
}
