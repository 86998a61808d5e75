use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::HeaderValue;
use reqwest::{Client, redirect::Policy};
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt as _;
use secrecy::{ExposeSecret as _, SecretString};
use url::{Host, Url};

/// How long it may take until a server answers a new connection.
const CONNECT_DEADLINE: Duration = Duration::from_secs(15);

/// How long what was sent may go unconfirmed by the other side before the connection counts as broken.
const SILENCE: Duration = Duration::from_secs(30);

/// How long a connection is kept that nobody uses: less than servers keep theirs, so that none is used that is about to
/// be closed.
const IDLE: Duration = Duration::from_secs(8);

/// Connections to servers and stores, shared by all requests. Over TLS it trusts whom the system trusts.
#[derive(Debug, Clone)]
pub struct Connection(Client);

/// There is no client to be had.
#[derive(Debug, thiserror::Error)]
pub enum ConnectionError {
    /// There is no TLS.
    #[error("TLS could not be prepared")]
    Tls(#[from] rustls::Error),
    /// The HTTP client could not be made.
    #[error("the HTTP client could not be made")]
    Client(#[from] reqwest::Error),
}

impl Connection {
    /// Keeps up to `most` connections to each server for the next requests.
    ///
    /// # Errors
    /// [`ConnectionError`] when there is no TLS.
    pub fn new(most: usize) -> Result<Self, ConnectionError> {
        let client = Client::builder()
            .tls_backend_preconfigured(tls()?)
            .user_agent(concat!("tenantry/", env!("CARGO_PKG_VERSION")))
            // A redirect would take files, or the key, to where nobody sent them.
            .redirect(Policy::none())
            .http1_only()
            .connect_timeout(CONNECT_DEADLINE)
            .tcp_keepalive(SILENCE)
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(most);
        #[cfg(target_os = "linux")]
        let client = client.tcp_user_timeout(SILENCE);
        Ok(Self(client.build()?))
    }

    pub(crate) fn client(&self) -> &Client {
        &self.0
    }
}

/// Trusts the authorities that the system trusts; where it names none, those that browsers trust.
fn tls() -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(ring::default_provider());
    let builder = || ClientConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions();
    let Ok(verified) = builder()?.with_platform_verifier() else {
        let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        return Ok(builder()?.with_root_certificates(roots).with_no_client_auth());
    };
    Ok(verified.with_no_client_auth())
}

/// Where a server is, such as `https://tenantry.example.com`; also below a path of another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerUrl(Url);

/// A text names no server. The message fits after the name of a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be the URL of a server, such as https://tenantry.example.com, without a user, a query or a fragment")]
pub struct ServerUrlError;

impl ServerUrl {
    /// The URL of what is at this path below the server, such as `/api/v1/projects`.
    pub(crate) fn at(&self, path: &str) -> Url {
        let mut url = self.0.clone();
        let below = url.path().trim_end_matches('/');
        url.set_path(&format!("{below}{path}"));
        url
    }

    /// Whether what is sent there can be read on the way.
    #[must_use]
    pub fn is_in_the_clear(&self) -> bool {
        let is_here = match self.0.host() {
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        self.0.scheme() == "http" && !is_here
    }

    /// The URL.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl FromStr for ServerUrl {
    type Err = ServerUrlError;

    fn from_str(text: &str) -> Result<Self, ServerUrlError> {
        let url = Url::parse(text.trim()).or(Err(ServerUrlError))?;
        let is_plain = url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
            && url.has_host();
        (matches!(url.scheme(), "http" | "https") && is_plain).then_some(Self(url)).ok_or(ServerUrlError)
    }
}

/// The key of a program, as it was shown when it was made. `Debug` does not show it.
#[derive(Debug, Clone)]
pub struct ApiKey(SecretString);

/// A text is no API key. The message fits after the name of a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("holds no API key: visible ASCII characters without spaces, such as tnt_…")]
pub struct ApiKeyError;

impl ApiKey {
    /// The header that shows it to a server, and is not shown to anybody else.
    pub(crate) fn header(&self) -> Result<HeaderValue, ApiKeyError> {
        let text = format!("Bearer {}", self.0.expose_secret());
        let mut header = HeaderValue::from_str(&text).or(Err(ApiKeyError))?;
        header.set_sensitive(true);
        Ok(header)
    }
}

impl FromStr for ApiKey {
    type Err = ApiKeyError;

    fn from_str(text: &str) -> Result<Self, ApiKeyError> {
        let text = text.trim();
        let is_visible = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        is_visible.then(|| Self(SecretString::from(text))).ok_or(ApiKeyError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_named_by_a_plain_url() {
        for (text, health) in [
            ("https://a.example", "https://a.example/api/v1/health"),
            ("http://127.0.0.1:8000/", "http://127.0.0.1:8000/api/v1/health"),
            (" https://a.example/tenantry/ ", "https://a.example/tenantry/api/v1/health"),
        ] {
            assert_eq!(text.parse::<ServerUrl>().unwrap().at("/api/v1/health").as_str(), health);
        }
        for text in
            ["", "a.example", "ftp://a", "https://u:p@a", "https://u@a", "https://a?b", "https://a#b", "file:///x"]
        {
            assert_eq!(text.parse::<ServerUrl>(), Err(ServerUrlError), "{text}");
        }
    }

    #[test]
    fn what_others_can_read_is_known() {
        let in_the_clear = |text: &str| text.parse::<ServerUrl>().unwrap().is_in_the_clear();
        for text in ["http://a.example", "http://10.0.0.1:8000", "http://[2001:db8::1]"] {
            assert!(in_the_clear(text), "{text}");
        }
        for text in ["https://a.example", "http://localhost:8000", "http://127.1.2.3", "http://[::1]:8000"] {
            assert!(!in_the_clear(text), "{text}");
        }
    }

    #[test]
    fn a_key_is_not_shown() {
        let key: ApiKey = "tnt_secret\n".parse().unwrap();
        assert!(!format!("{key:?}{:?}", key.header()).contains("secret"));
        assert_eq!(key.header().unwrap(), "Bearer tnt_secret");
        for text in ["", " ", "two words", "tnt_\u{e9}", "a\nb"] {
            assert!(text.parse::<ApiKey>().is_err(), "{text}");
        }
    }

    #[test]
    fn there_is_tls() {
        assert!(Connection::new(1).is_ok());
    }
}
