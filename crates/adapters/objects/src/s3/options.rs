use std::fmt;
use std::time::Duration;

use aws_sdk_s3::config::SharedHttpClient;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use secrecy::SecretString;

/// The connections of this process to object stores. Cheap to clone; all stores share one, and with it what is kept
/// open to a host that they have in common.
#[derive(Clone)]
pub struct HttpPool(pub(super) SharedHttpClient);

/// How connections are made and kept.
#[derive(Debug, Clone)]
pub struct HttpPoolOptions {
    /// How many are kept open to a host while nothing goes over them. As many as there are calls at once, or most are
    /// made anew for every call. How many are open at once is up to the callers.
    pub max_idle: usize,
    /// How long they are kept so. Amazon S3 closes them after about 20 seconds.
    pub idle_for: Duration,
    /// Certificates (PEM) that are trusted beside those of the machine.
    pub authorities: Option<Vec<u8>>,
}

impl Default for HttpPoolOptions {
    fn default() -> Self {
        Self { max_idle: 256, idle_for: Duration::from_secs(15), authorities: None }
    }
}

impl HttpPool {
    /// Connects to nothing yet.
    ///
    /// # Errors
    /// TLS is not possible.
    pub fn new(options: &HttpPoolOptions) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let mut trusted = TrustStore::default();
        if let Some(authorities) = &options.authorities {
            trusted = trusted.with_pem_certificate(authorities.as_slice());
        }
        let client = aws_smithy_http_client::Builder::new()
            .pool_max_idle_per_host(options.max_idle)
            .pool_idle_timeout(options.idle_for)
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .tls_context(TlsContext::builder().with_trust_store(trusted).build()?)
            .build_https();
        Ok(Self(client))
    }
}

impl fmt::Debug for HttpPool {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("HttpPool")
    }
}

/// Which bucket it is, how it is reached, and how objects are kept there.
#[derive(Debug, Clone)]
pub struct S3Options {
    /// The name of the bucket.
    pub bucket: String,
    /// Where it is; else what the profile or the environment says.
    pub region: Option<String>,
    /// Another store than Amazon's, such as `https://minio.example.org:9000`.
    pub endpoint: Option<String>,
    /// Whether the bucket is part of the path rather than of the host's name.
    pub addressing: Addressing,
    /// Who asks.
    pub credentials: S3Credentials,
    /// What objects are kept as, such as `STANDARD_IA`; else as the bucket has it.
    pub storage_class: Option<String>,
    /// How objects are encrypted at rest; else as the bucket has it.
    pub encryption: Option<Encryption>,
    /// How the store finds damage on the way.
    pub integrity: Integrity,
    /// Whether bodies are part of a request's signature.
    pub signing: BodySigning,
    /// How long making a connection may take.
    pub connect_timeout: Duration,
    /// How long a call may take, beside the time that its body takes at [`S3Options::min_rate`].
    pub call_timeout: Duration,
    /// The slowest that a body may go, in bytes a second.
    pub min_rate: u32,
}

impl S3Options {
    /// A bucket of Amazon's, with the machine's credentials.
    #[must_use]
    pub fn new(bucket: String) -> Self {
        Self {
            bucket,
            region: None,
            endpoint: None,
            addressing: Addressing::Host,
            credentials: S3Credentials::Machine,
            storage_class: None,
            encryption: None,
            integrity: Integrity::Crc64,
            signing: BodySigning::Unsigned,
            connect_timeout: Duration::from_secs(5),
            call_timeout: Duration::from_secs(30),
            min_rate: 64 * 1024,
        }
    }
}

/// Where the bucket is in an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Addressing {
    /// Before the host's name.
    Host,
    /// First in the path, as most stores but Amazon's need it.
    Path,
}

/// Who asks.
#[derive(Debug, Clone)]
pub enum S3Credentials {
    /// Whom the environment, the default profile or the machine itself says, as all of Amazon's tools find it.
    Machine,
    /// A profile of the shared files of Amazon's tools, and nobody else. It runs no program (`credential_process`), and
    /// does not sign in at Amazon's (SSO).
    Profile(String),
    /// These keys.
    Keys {
        /// Not secret.
        access_key: String,
        /// Secret.
        secret_key: SecretString,
        /// Of credentials that end.
        session_token: Option<SecretString>,
    },
}

/// How objects are encrypted at rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Encryption {
    /// With keys of the store (`AES256`).
    Store,
    /// With keys of Amazon's key management (`aws:kms`).
    Kms {
        /// Which; else that of the account.
        key_id: Option<String>,
    },
}

/// How the store finds damage on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Integrity {
    /// By CRC-64/NVME, which it keeps.
    Crc64,
    /// By MD5, for stores that do not know the other. They keep no checksum, none holds the whole of a multipart upload
    /// to account, and deleting takes a request for each object.
    Md5,
}

/// Whether bodies are part of a request's signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodySigning {
    /// They are not: the checksum and TLS protect them, at a tenth of the cost.
    Unsigned,
    /// They are, for stores that insist on it.
    Signed,
}
