//! A mail server in this process, which behaves as badly as it is told to.

use std::sync::{Arc, Mutex, PoisonError};

use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// How the server treats the next mails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manners {
    /// Takes them.
    Accept,
    /// Answers the recipient with this code: 4xx for later, 5xx for never.
    Refuse(u16),
    /// Hangs up where it should take the text.
    HangUp,
    /// Takes the text and hangs up without a word, so that the client can't know.
    SwallowAnswer,
    /// Takes the text and says nothing more.
    Hold,
    /// Says nothing at all.
    Silence,
}

/// A server on a port of its own, as long as this value lives.
pub struct SmtpServer {
    /// Where it listens.
    pub port: u16,
    /// The certificate of a server that offers STARTTLS, in PEM.
    pub certificate: Option<String>,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    manners: Mutex<Manners>,
    mails: Mutex<Vec<String>>,
    connections: Mutex<u32>,
    tls: Option<TlsAcceptor>,
}

impl SmtpServer {
    /// A server without encryption.
    ///
    /// # Panics
    /// When there is no port.
    pub async fn plain() -> Self {
        Self::start(None, None).await
    }

    /// A server that offers STARTTLS, for the name `localhost`.
    ///
    /// # Panics
    /// When there is no port, or no certificate can be made.
    pub async fn with_starttls() -> Self {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        let key = PrivateKeyDer::try_from(signing_key.serialize_der()).expect("a key");
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("protocol versions")
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)
            .expect("a configuration");
        Self::start(Some(TlsAcceptor::from(Arc::new(config))), Some(cert.pem())).await
    }

    async fn start(tls: Option<TlsAcceptor>, certificate: Option<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let shared = Arc::new(Shared {
            manners: Mutex::new(Manners::Accept),
            mails: Mutex::default(),
            connections: Mutex::default(),
            tls,
        });
        let task = tokio::spawn(serve(listener, shared.clone()));
        Self { port, certificate, shared, task }
    }

    /// Changes how mails are treated from now on.
    pub fn behave(&self, manners: Manners) {
        *lock(&self.shared.manners) = manners;
    }

    /// The texts that were taken so far, headers included.
    #[must_use]
    pub fn mails(&self) -> Vec<String> {
        lock(&self.shared.mails).clone()
    }

    /// How often somebody connected.
    #[must_use]
    pub fn connections(&self) -> u32 {
        *lock(&self.shared.connections)
    }
}

impl Drop for SmtpServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        *lock(&shared.connections) += 1;
        tokio::spawn(converse(stream, shared.clone()));
    }
}

/// A conversation ends when the client goes away, which is no error here.
async fn converse(stream: TcpStream, shared: Arc<Shared>) {
    let mut stream = BufReader::new(stream);
    if *lock(&shared.manners) == Manners::Silence {
        std::future::pending::<()>().await;
    }
    if say(&mut stream, "220 test").await.is_err() {
        return;
    }
    if let Ok(Next::StartTls) = talk(&mut stream, &shared, shared.tls.is_some()).await
        && let Some(acceptor) = &shared.tls
        && let Ok(encrypted) = acceptor.accept(stream.into_inner()).await
    {
        drop(talk(&mut BufReader::new(encrypted), &shared, false).await);
    }
}

enum Next {
    StartTls,
    End,
}

async fn talk<S>(stream: &mut BufReader<S>, shared: &Shared, offers_tls: bool) -> std::io::Result<Next>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut line = String::new();
    loop {
        line.clear();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(Next::End);
        }
        let manners = *lock(&shared.manners);
        let command = line.trim_end().to_ascii_uppercase();
        match command.split([' ', ':']).next().unwrap_or_default() {
            "EHLO" if offers_tls => say(stream, "250-test\r\n250 STARTTLS").await?,
            "STARTTLS" if offers_tls => {
                say(stream, "220 go on").await?;
                return Ok(Next::StartTls);
            }
            "RCPT" => match manners {
                Manners::Refuse(code) => say(stream, &format!("{code} not {}", line.trim_end())).await?,
                _ => say(stream, "250 ok").await?,
            },
            "DATA" if manners == Manners::HangUp => return Ok(Next::End),
            "DATA" => {
                say(stream, "354 go on").await?;
                let text = read_text(stream).await?;
                lock(&shared.mails).push(text);
                match manners {
                    Manners::SwallowAnswer => return Ok(Next::End),
                    Manners::Hold => std::future::pending().await,
                    _ => {}
                }
                say(stream, "250 taken").await?;
            }
            "QUIT" => {
                say(stream, "221 bye").await?;
                return Ok(Next::End);
            }
            _ => say(stream, "250 ok").await?,
        }
    }
}

async fn say<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut BufReader<S>, line: &str) -> std::io::Result<()> {
    stream.get_mut().write_all(format!("{line}\r\n").as_bytes()).await?;
    stream.get_mut().flush().await
}

/// Up to the line with a dot alone.
async fn read_text<S: AsyncRead + Unpin>(stream: &mut BufReader<S>) -> std::io::Result<String> {
    let mut text = String::new();
    while !text.ends_with("\r\n.\r\n") {
        if stream.read_line(&mut text).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
    // A line that began with a dot has one more (RFC 5321, section 4.5.2).
    Ok(text.trim_end_matches(".\r\n").replace("\r\n..", "\r\n."))
}
