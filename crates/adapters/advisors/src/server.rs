use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::{Client, Response, StatusCode, Url, redirect::Policy};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use secrecy::ExposeSecret as _;
use serde_json::{Map, Value};
use tenantry_readings::ProviderError;

use crate::retry_after::retry_after;
use crate::{ServerOptions, SetUpError};

/// One address of a provider, and what is shown to it.
pub(crate) struct Server {
    client: Client,
    url: Url,
    headers: HeaderMap,
    pub(crate) streams: bool,
    extra: Map<String, Value>,
}

impl Server {
    pub(crate) fn new(options: ServerOptions, path: &str) -> Result<Self, SetUpError> {
        let client = Client::builder()
            .tls_backend_preconfigured(tls()?)
            .user_agent(concat!("tenantry/", env!("CARGO_PKG_VERSION")))
            // A redirect would take the question, or the key, to where nobody sent them.
            .redirect(Policy::none())
            // An answer has its connection to itself, so that the provider sees when nobody wants it any more.
            .http1_only()
            .connect_timeout(options.connect_timeout)
            .build()
            .map_err(|error| SetUpError::Client(error.without_url()))?;
        let url = address(&options.base_url, path).ok_or(SetUpError::Url)?;
        let accepted = if options.streams { "text/event-stream" } else { "application/json" };
        let mut headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(accepted))]);
        if let Some(key) = &options.api_key {
            headers.insert(AUTHORIZATION, authorization(key.expose_secret())?);
        }
        Ok(Self { client, url, headers, streams: options.streams, extra: options.extra })
    }

    /// Sends a request, and answers once the provider has begun to answer well.
    pub(crate) async fn post(&self, own: Map<String, Value>) -> Result<Response, ProviderError> {
        let mut body = self.extra.clone();
        body.extend(own);
        let request = self.client.post(self.url.clone()).headers(self.headers.clone()).json(&body);
        let response = request.send().await.map_err(|error| unsent(&error))?;
        judge(response.status(), response.headers()).map(|()| response)
    }
}

/// What became of a request that nobody answered. The error itself names the address and is not passed on.
fn unsent(error: &reqwest::Error) -> ProviderError {
    if error.is_connect() { ProviderError::Unreachable } else { ProviderError::BrokenOff }
}

fn judge(status: StatusCode, headers: &HeaderMap) -> Result<(), ProviderError> {
    match status.as_u16() {
        200..=299 => Ok(()),
        429 => Err(ProviderError::Throttled { retry_after: retry_after(headers) }),
        status @ 500.. => Err(ProviderError::Unavailable { status, retry_after: retry_after(headers) }),
        status => Err(ProviderError::Refused { status }),
    }
}

fn address(base: &str, path: &str) -> Option<Url> {
    let base = base.trim().trim_end_matches('/');
    let url = Url::parse(&format!("{base}/{}", path.trim().trim_matches('/'))).ok()?;
    let is_plain = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none()
        && url.has_host();
    (matches!(url.scheme(), "http" | "https") && is_plain).then_some(url)
}

fn authorization(key: &str) -> Result<HeaderValue, SetUpError> {
    let key = key.trim();
    if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(SetUpError::Key);
    }
    let mut header = HeaderValue::from_str(&format!("Bearer {key}")).or(Err(SetUpError::Key))?;
    header.set_sensitive(true);
    Ok(header)
}

/// The backend and the authorities that other connections of the server have, too.
fn tls() -> Result<ClientConfig, rustls::Error> {
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let config =
        ClientConfig::builder_with_provider(ring::default_provider().into()).with_safe_default_protocol_versions()?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::*;

    #[test]
    fn addresses_lie_below_the_base() {
        for (base, path, url) in [
            ("https://a.example/v1", "responses", "https://a.example/v1/responses"),
            (" http://127.0.0.1:8000/v1/ ", "/chat/completions", "http://127.0.0.1:8000/v1/chat/completions"),
            ("https://a.example", "v1/agent", "https://a.example/v1/agent"),
        ] {
            assert_eq!(address(base, path).unwrap().as_str(), url);
        }
        for base in ["", "a.example", "ftp://a", "https://u:p@a", "https://a/?k=v", "https://a/#f", "file:///x"] {
            assert_eq!(address(base, "responses"), None, "{base}");
        }
    }

    #[test]
    fn a_key_is_not_shown() {
        let options =
            ServerOptions { api_key: Some(SecretString::from("sk-secret")), ..ServerOptions::new("https://a.example") };
        assert!(!format!("{options:?}").contains("sk-secret"));
        let server = Server::new(options, "responses").unwrap();
        assert_eq!(server.headers[AUTHORIZATION], "Bearer sk-secret");
        assert!(!format!("{:?}", server.headers).contains("sk-secret"));
        for key in ["", "two words", "a\nb", "\u{e9}"] {
            assert!(matches!(authorization(key), Err(SetUpError::Key)), "{key}");
        }
    }
}
