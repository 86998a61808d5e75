//! A server on a port of its own, and clients for it.

use std::{
    net::{SocketAddr, TcpListener},
    num::{NonZeroU32, NonZeroUsize},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::Value;
use tenantry_application::{RateKey, RateLimits, RateState};
use tenantry_http::{
    EventStreams, HttpOptions, HttpState, MostStreams, ServerHandle,
    health::{DatabaseHealth, HealthProbe, MigrationCounts, Readiness},
    metrics::Metrics,
    paging::CursorKey,
    serve_operations,
};
use tenantry_kernel::{SystemClock, SystemIds};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::nowhere;
use crate::probes;

/// A database that can be switched off.
#[derive(Default)]
pub struct Switch(AtomicBool);

impl Switch {
    pub fn cut(&self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[async_trait]
impl HealthProbe for Switch {
    async fn database(&self) -> DatabaseHealth {
        let up = !self.0.load(Ordering::SeqCst);
        DatabaseHealth {
            backend: "sqlite",
            latency: up.then_some(Duration::from_micros(1_500)),
            migrations: up.then_some(MigrationCounts { applied: 7, pending: 0 }),
        }
    }
}

pub struct TestServer {
    pub address: SocketAddr,
    pub state: HttpState,
    pub database: Arc<Switch>,
    pub handle: ServerHandle,
    pub client: Client,
}

/// Refuses nothing.
struct NoRateLimits;

#[async_trait]
impl RateLimits for NoRateLimits {
    async fn take(&self, _: &[RateKey], _: NonZeroU32) -> Option<RateState> {
        None
    }
}

impl TestServer {
    pub fn start() -> Self {
        Self::with(|_| {})
    }

    pub fn with(change: impl FnOnce(&mut HttpOptions)) -> Self {
        let database = Arc::new(Switch::default());
        let health: Arc<dyn HealthProbe> = database.clone();
        let state = HttpState {
            services: nowhere::services(),
            clock: Arc::new(SystemClock),
            ids: Arc::new(SystemIds),
            health,
            rate_limits: Arc::new(NoRateLimits),
            readiness: Readiness::default(),
            event_streams: EventStreams::new(MostStreams { of_organization: 100, of_user: 25 }),
            metrics: Metrics::new().unwrap(),
            cursors: CursorKey::new(&[7; 32], None),
            published_keys: None,
            started: Instant::now(),
        };
        let mut options = HttpOptions { workers: NonZeroUsize::MIN, ..HttpOptions::default() };
        change(&mut options);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = serve_operations(listener, options, state.clone(), probes::operations).unwrap();
        let handle = server.handle();
        tokio::spawn(server);
        Self { address, state, database, handle, client: tenantry_testkit::http_client() }
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("http://{}{path}", self.address))
    }

    pub fn get(&self, path: &str) -> RequestBuilder {
        self.request(Method::GET, path)
    }

    pub fn post(&self, path: &str) -> RequestBuilder {
        self.request(Method::POST, path)
    }

    pub async fn connect(&self) -> Wire {
        Wire(TcpStream::connect(self.address).await.unwrap())
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
    }
}

/// An answer, read to its end.
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub body: Value,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub fn text(&self, member: &str) -> &str {
        self.body[member].as_str().unwrap_or_else(|| panic!("no {member} in {}", self.body))
    }

    /// Checks that this is a complete problem with this status and code.
    #[track_caller]
    pub fn assert_problem(&self, status: u16, code: &str) {
        assert_eq!((self.status, self.text("error_code")), (status, code), "{}", self.body);
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        assert_eq!(self.body["status"], status);
        assert_eq!(self.text("type"), format!("/problems/{}", code.to_lowercase().replace('_', "-")));
        assert_eq!(self.text("detail"), self.text("message"));
        assert_eq!(self.header("x-request-id"), Some(self.text("request_id")));
        assert!(self.text("timestamp").ends_with('Z'));
        assert!(self.text("instance").starts_with('/'));
        assert_eq!(self.body.get("details"), self.body.get("errors").map(|errors| &errors[0]));
        assert_eq!(self.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(self.header("www-authenticate").is_some(), status == 401);
    }
}

pub async fn send(request: RequestBuilder) -> Answer {
    read(request.send().await.unwrap()).await
}

pub async fn read(response: Response) -> Answer {
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let bytes = response.bytes().await.unwrap();
    Answer { status, headers, body: serde_json::from_slice(&bytes).unwrap_or(Value::Null) }
}

/// A connection on which a test says byte for byte what is sent.
pub struct Wire(TcpStream);

impl Wire {
    pub async fn write(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.unwrap();
    }

    /// Reads until `end` has come.
    pub async fn read_to(&mut self, end: &str) -> String {
        let mut text = String::new();
        let mut buffer = [0; 4_096];
        while !text.contains(end) {
            let read = self.0.read(&mut buffer).await.unwrap();
            assert!(read > 0, "closed after {text:?}");
            text.push_str(&String::from_utf8_lossy(&buffer[..read]));
        }
        text
    }

    /// Reads until the server closes the connection; how long that took, and what came.
    pub async fn read_to_close(&mut self, limit: Duration) -> Option<(Duration, String)> {
        let begun = Instant::now();
        let mut bytes = Vec::new();
        let closed = tokio::time::timeout(limit, self.0.read_to_end(&mut bytes)).await.is_ok();
        closed.then(|| (begun.elapsed(), String::from_utf8_lossy(&bytes).into_owned()))
    }

    pub fn split(self) -> (tokio::net::tcp::OwnedReadHalf, tokio::net::tcp::OwnedWriteHalf) {
        self.0.into_split()
    }
}
