use reqwest::Client;
use rustls::{ClientConfig, RootCertStore, crypto::ring};

/// A client for servers of this machine: through no proxy, and without trust in any authority.
///
/// # Panics
/// When there is no client to be had.
#[must_use]
pub fn http_client() -> Client {
    let tls = ClientConfig::builder_with_provider(ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .expect("versions of TLS")
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    Client::builder().no_proxy().tls_backend_preconfigured(tls).build().expect("a client")
}
