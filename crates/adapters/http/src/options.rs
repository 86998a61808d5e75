use std::{
    num::{NonZeroU32, NonZeroUsize},
    sync::LazyLock,
    time::Duration,
};

use actix_web::{HttpRequest, web::Data};
use ipnet::IpNet;
use secrecy::SecretString;

/// Every limit and choice of the server.
#[derive(Debug, Clone)]
pub struct HttpOptions {
    /// Threads that serve requests, at most 512.
    pub workers: NonZeroUsize,
    /// Connections that one worker holds open at a time; more wait to be accepted.
    pub max_connections_per_worker: usize,
    /// How long a client may take for the head of a request, may leave a kept connection idle, may pause while it
    /// reads an answer, and may take for a body beyond what [`HttpOptions::body_bytes_per_second`] allows.
    pub client_timeout: Duration,
    /// The rate at which a body must arrive at least, on average, once `client_timeout` is used up.
    pub body_bytes_per_second: u32,
    /// How long a request may take until its answer begins; 504 after that. Not while it sends bytes of a file.
    pub request_timeout: Duration,
    /// How long requests in flight may take to finish when the server stops.
    pub shutdown_timeout: Duration,
    /// The largest body.
    pub body_limit_bytes: usize,
    /// The most bytes of a file that are sent at once with a checksum.
    pub tus_checksum_bytes: usize,
    /// The origins whose pages may call the API from a browser; `*` allows any.
    pub allowed_origins: Vec<String>,
    /// For how long browsers are told to use HTTPS only, on answers to requests that came over HTTPS (RFC 6797).
    /// Zero: they are not told.
    pub strict_transport_security: Duration,
    /// Whether every client comes over HTTPS, whatever `X-Forwarded-Proto` says.
    pub always_https: bool,
    /// Where clients are sent that a trusted proxy does not vouch for to use HTTPS, as `https://host`; requests with
    /// credentials, and those that change something, are refused. Without it, they are served.
    pub https_origin: Option<String>,
    /// The networks of the proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// The units of a rate limit that a request costs which may change something; others cost one.
    pub write_cost: NonZeroU32,
    /// The bearer token that `/metrics` asks for; without it, anybody may read it.
    pub metrics_token: Option<SecretString>,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            workers: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            max_connections_per_worker: 25_000,
            client_timeout: Duration::from_secs(10),
            body_bytes_per_second: 8 * 1024,
            request_timeout: Duration::from_secs(30),
            shutdown_timeout: Duration::from_secs(30),
            body_limit_bytes: 1024 * 1024,
            tus_checksum_bytes: 16 * 1024 * 1024,
            allowed_origins: Vec::new(),
            strict_transport_security: Duration::from_hours(365 * 24),
            always_https: false,
            https_origin: None,
            trusted_proxies: Vec::new(),
            write_cost: NonZeroU32::MIN,
            metrics_token: None,
        }
    }
}

static DEFAULTS: LazyLock<HttpOptions> = LazyLock::new(HttpOptions::default);

impl HttpOptions {
    /// The options of the server that received `request`.
    pub(crate) fn of(request: &HttpRequest) -> &Self {
        request.app_data::<Data<Self>>().map_or(&DEFAULTS, |options| options)
    }
}
