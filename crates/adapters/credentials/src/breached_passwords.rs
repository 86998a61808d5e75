use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use reqwest::{Client, redirect::Policy};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use sha1::{Digest, Sha1};
use tenantry_identity::{Password, ports::BreachedPasswords};

/// How long one look-up may take, from the connection to the last byte.
const DEADLINE: Duration = Duration::from_millis(300);
/// Digits of a password's SHA-1 digest that are told.
const PREFIX: usize = 5;
/// Bytes that an answer may have; the longest of the public service has about 60,000.
const MAX_ANSWER: usize = 1024 * 1024;

/// Looks passwords up in a list of stolen ones, by the range protocol of Have I Been Pwned, version 3: the service is
/// told the first five digits of the password's SHA-1 digest, and answers all digests that begin so, among others that
/// it made up, so that not even the length of its answer tells which one was meant.
///
/// It fails open: without an answer in time a password counts as unknown.
pub struct BreachedPasswordLookup {
    client: Client,
    ranges: String,
    found: AtomicU64,
    absent: AtomicU64,
    failed: AtomicU64,
}

/// What the look-ups since the start came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BreachedPasswordCounts {
    /// Passwords that were refused.
    pub found: u64,
    /// Passwords that are on no list.
    pub absent: u64,
    /// Look-ups without an answer in time.
    pub failed: u64,
}

/// The look-up can't be prepared.
#[derive(Debug, thiserror::Error)]
pub enum BreachedPasswordsError {
    /// There is no TLS to be had.
    #[error("TLS could not be prepared")]
    Tls(#[from] rustls::Error),
    /// The HTTP client could not be made.
    #[error("the HTTP client could not be made")]
    Client(#[from] reqwest::Error),
}

/// Why one look-up failed.
#[derive(Debug, thiserror::Error)]
enum LookupError {
    #[error("the service did not answer as it should")]
    Http(#[source] reqwest::Error),
    #[error("the answer is longer than {MAX_ANSWER} bytes")]
    TooLong,
}

impl From<reqwest::Error> for LookupError {
    /// Without the address, which holds the digits that were asked for.
    fn from(error: reqwest::Error) -> Self {
        Self::Http(error.without_url())
    }
}

impl BreachedPasswordLookup {
    /// A look-up of the ranges beneath `url`, such as `https://api.pwnedpasswords.com/range`.
    ///
    /// # Errors
    /// [`BreachedPasswordsError`] when there is no TLS.
    pub fn new(url: &str) -> Result<Self, BreachedPasswordsError> {
        let client = Client::builder()
            .tls_backend_preconfigured(tls()?)
            .user_agent(concat!("tenantry/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            .timeout(DEADLINE)
            .build()?;
        let ranges = url.trim_end_matches('/').to_owned();
        let (found, absent, failed) = Default::default();
        Ok(Self { client, ranges, found, absent, failed })
    }

    /// What the look-ups since the start came to, for the metrics.
    #[must_use]
    pub fn counts(&self) -> BreachedPasswordCounts {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        BreachedPasswordCounts { found: count(&self.found), absent: count(&self.absent), failed: count(&self.failed) }
    }

    async fn look_up(&self, digest: &str) -> Result<bool, LookupError> {
        let Some((prefix, suffix)) = digest.split_at_checked(PREFIX) else { return Ok(false) };
        let range = self.client.get(format!("{}/{prefix}", self.ranges)).header("Add-Padding", "true");
        let mut response = range.send().await?.error_for_status()?;
        let mut answer = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            answer.extend(chunk);
            if answer.len() > MAX_ANSWER {
                return Err(LookupError::TooLong);
            }
        }
        Ok(lists(&String::from_utf8_lossy(&answer), suffix))
    }
}

#[async_trait]
impl BreachedPasswords for BreachedPasswordLookup {
    async fn contains(&self, password: &Password) -> bool {
        let digest = hexadecimal(&Sha1::digest(password.expose().as_bytes()));
        let outcome = self.look_up(&digest).await;
        let counter = match &outcome {
            Ok(true) => &self.found,
            Ok(false) => &self.absent,
            Err(_) => &self.failed,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        outcome.unwrap_or_else(|error| {
            tracing::warn!(?error, "breached passwords can't be looked up, so a password was taken unseen");
            false
        })
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a string can't fail.
        let _ = write!(text, "{byte:02X}");
        text
    })
}

/// Whether a line of the answer, `SUFFIX:COUNT`, is about the suffix. Lines that were made up count zero.
fn lists(answer: &str, suffix: &str) -> bool {
    answer.lines().filter_map(|line| line.trim().split_once(':')).any(|(listed, count)| {
        listed.eq_ignore_ascii_case(suffix) && count.trim().parse::<u64>().is_ok_and(|count| count > 0)
    })
}

/// The backend and the authorities that the connections to the database have, too.
fn tls() -> Result<ClientConfig, rustls::Error> {
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let config =
        ClientConfig::builder_with_provider(ring::default_provider().into()).with_safe_default_protocol_versions()?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

#[cfg(test)]
mod tests;
