use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::thread::available_parallelism;
use std::time::Duration;

use ipnet::IpNet;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use url::Url;

use super::SettingsError;
use super::parse::{not_empty, optional_text, seconds, within, within_seconds};

/// Section `server`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerSettings {
    pub host: String,
    /// 0 takes any free port.
    pub port: u16,
    workers: u16,
    /// Without a path or a slash at the end.
    #[serde(deserialize_with = "optional_text")]
    base_url: Option<String>,
    /// Whether a proxy in front ends TLS.
    pub https: bool,
    /// Whether requests in the clear are refused.
    require_https: bool,
    /// Whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed.
    #[serde(deserialize_with = "networks")]
    pub trusted_proxies: Vec<IpNet>,
    #[serde(rename = "client_timeout_seconds", deserialize_with = "seconds")]
    pub client_timeout: Duration,
    #[serde(rename = "request_timeout_seconds", deserialize_with = "seconds")]
    pub request_timeout: Duration,
    #[serde(rename = "shutdown_timeout_seconds", deserialize_with = "seconds")]
    pub shutdown_timeout: Duration,
    pub max_body_bytes: usize,
    pub event_streams_per_organization: u16,
    pub event_streams_per_user: u16,
}

impl ServerSettings {
    /// Threads that serve requests: the setting, or one a core.
    #[must_use]
    pub fn workers(&self) -> NonZeroUsize {
        let cores = || available_parallelism().unwrap_or(NonZeroUsize::MIN);
        NonZeroUsize::new(self.workers.into()).unwrap_or_else(cores)
    }

    /// Where clients reach the server, without a slash at the end; `port` is the one it listens on.
    #[must_use]
    pub fn base_url(&self, port: u16) -> String {
        match &self.base_url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None if self.host.contains(':') => format!("http://[{}]:{port}", self.host),
            None => format!("http://{}:{port}", self.host),
        }
    }

    /// Where clients that come in the clear are sent, if they are not served.
    #[must_use]
    pub fn https_origin(&self) -> Option<String> {
        let url = self.base_url.as_deref().filter(|_| self.require_https)?;
        Some(url.trim_end_matches('/').to_owned())
    }

    pub(super) fn validate(&self) -> Result<(), SettingsError> {
        not_empty("server.host", &self.host)?;
        within("server.workers", self.workers, 0..=1_024)?;
        self.validate_base_url()?;
        self.validate_https()?;
        within_seconds("server.client_timeout_seconds", self.client_timeout, 1..=600)?;
        within_seconds("server.request_timeout_seconds", self.request_timeout, 1..=3_600)?;
        within_seconds("server.shutdown_timeout_seconds", self.shutdown_timeout, 0..=3_600)?;
        within("server.max_body_bytes", self.max_body_bytes, 1_024..=1 << 30)?;
        within("server.event_streams_per_organization", self.event_streams_per_organization, 1..=10_000)?;
        within("server.event_streams_per_user", self.event_streams_per_user, 1..=10_000)
    }

    /// Without these, each request would look as if it came in the clear, or had nowhere to go.
    fn validate_https(&self) -> Result<(), SettingsError> {
        let is_https = |url: &String| url.starts_with("https://");
        if !self.require_https || (self.base_url.as_ref().is_some_and(is_https) && !self.trusted_proxies.is_empty()) {
            return Ok(());
        }
        let problem = "needs server.trusted_proxies, and a server.base_url that begins with https://";
        Err(SettingsError::invalid("server.require_https", problem))
    }

    fn validate_base_url(&self) -> Result<(), SettingsError> {
        let Some(text) = &self.base_url else { return Ok(()) };
        let is_root = |url: &Url| {
            matches!(url.scheme(), "http" | "https")
                && url.path() == "/"
                && url.query().is_none()
                && url.fragment().is_none()
        };
        if Url::parse(text).is_ok_and(|url| is_root(&url)) {
            return Ok(());
        }
        Err(SettingsError::invalid("server.base_url", format!("must be http(s)://host[:port], not {text:?}")))
    }
}

/// A network, or an address that stands for itself.
fn networks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<IpNet>, D::Error> {
    let parse = |text: String| {
        let network = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        network.or(Err(D::Error::custom(format!("must be a network such as 10.0.0.0/8, not {text:?}"))))
    };
    Vec::<String>::deserialize(deserializer)?.into_iter().map(parse).collect()
}
