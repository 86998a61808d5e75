use std::error::Error as _;
use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::response::{Category, Code};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use tenantry_identity::{Letter, MailRefusal, ports::MailTransport};
use tokio::time::timeout;

use crate::smtp_url::Encryption;
use crate::{SmtpUrl, Stationery};

/// How a mail server is reached.
#[derive(Debug, Clone)]
pub struct SmtpOptions {
    /// Where it is.
    pub url: SmtpUrl,
    /// A file of certificates (PEM) that are trusted beside those of the public authorities.
    pub authorities: Option<PathBuf>,
    /// How long handing over one letter may take.
    pub timeout: Duration,
}

/// The transport could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum SmtpError {
    /// The certificates could not be read.
    #[error("can't read the certificates in {}", path.display())]
    Authorities {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// TLS is not possible with this host's name.
    #[error("TLS can't be set up")]
    Tls(#[source] Error),
}

/// Hands letters to a mail server, each over a connection of its own.
pub struct SmtpTransport {
    stationery: Stationery,
    server: AsyncSmtpTransport<Tokio1Executor>,
    timeout: Duration,
}

impl SmtpTransport {
    /// Connects to nothing yet.
    ///
    /// # Errors
    /// [`SmtpError`].
    pub fn new(stationery: Stationery, options: &SmtpOptions) -> Result<Self, SmtpError> {
        let SmtpOptions { url, timeout, .. } = options;
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(url.host.as_str())
            .port(url.port)
            .tls(encryption(options)?)
            .timeout(Some(*timeout))
            .hello_name(ClientId::Domain(stationery.domain().to_owned()));
        if let Some(credentials) = url.credentials() {
            builder = builder.credentials(credentials);
        }
        Ok(Self { stationery, server: builder.build(), timeout: *timeout })
    }
}

fn encryption(options: &SmtpOptions) -> Result<Tls, SmtpError> {
    let parameters = || -> Result<TlsParameters, SmtpError> {
        let mut builder = TlsParameters::builder(options.url.host.clone());
        if let Some(path) = &options.authorities {
            let failed = |source| SmtpError::Authorities { path: path.clone(), source };
            let pem = fs::read(path).map_err(|error| failed(error.into()))?;
            let certificate = Certificate::from_pem(&pem).map_err(|error| failed(error.into()))?;
            builder = builder.add_root_certificate(certificate);
        }
        builder.build_rustls().map_err(SmtpError::Tls)
    };
    Ok(match options.url.encryption {
        Encryption::Tls => Tls::Wrapper(parameters()?),
        Encryption::StartTls => Tls::Required(parameters()?),
        Encryption::None => Tls::None,
    })
}

#[async_trait]
impl MailTransport for SmtpTransport {
    async fn send(&self, letter: &Letter) -> Result<(), MailRefusal> {
        let message = self.stationery.write(letter)?;
        // The driver's own limit is for each step.
        match timeout(self.timeout, self.server.send(message)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(refusal(&error, letter.to.as_str())),
            Err(elapsed) => Err(MailRefusal::Temporary(elapsed.into())),
        }
    }
}

/// What a server or the network said, without the recipient's address, which servers like to repeat.
#[derive(Debug)]
struct Answer(String);

impl fmt::Display for Answer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for Answer {}

/// A refusal of the letter is final (RFC 5321, section 4.2.1). One of our sign-in is the operator's to mend, and then the
/// letter can still go.
fn refusal(error: &Error, recipient: &str) -> MailRefusal {
    let cause = error.source().map(|source| format!(": {source}")).unwrap_or_default();
    let answer = Box::new(Answer(format!("{error}{cause}").replace(recipient, "the recipient")));
    let is_final = error.is_permanent() && !error.status().is_some_and(is_about_signing_in);
    if is_final { MailRefusal::Permanent(answer) } else { MailRefusal::Temporary(answer) }
}

/// 530, 534, 535, 538 (RFC 4954, section 6).
fn is_about_signing_in(code: Code) -> bool {
    code.category == Category::Unspecified3
}
