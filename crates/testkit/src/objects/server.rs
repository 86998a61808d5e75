//! Servers in this process that speak the protocol of S3.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{HttpRequest, HttpResponse, S3};
use tempfile::TempDir;
use tenantry_sync::objects::ObjectStore;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::bridge::{Bridge, HANG_UP};
use super::s3s_fs::FileSystemServer;

/// Whoever signs with these may do anything.
pub const ACCESS_KEY: &str = "test-access-key";
/// See [`ACCESS_KEY`].
pub const SECRET_KEY: &str = "test-secret-key";
/// The one bucket of a server.
pub const BUCKET: &str = "test-bucket";

/// A server on a port of its own, as long as this value lives. It checks signatures.
pub struct S3Server {
    /// Where it listens, such as `http://127.0.0.1:40000`.
    pub endpoint: String,
    task: JoinHandle<()>,
    _folder: Option<TempDir>,
}

impl S3Server {
    /// Answers from `store`: a [`MemoryStore`](super::MemoryStore), which may be wrapped in a
    /// [`FaultyStore`](super::FaultyStore) so that the server fails as it does. The offsets of parts are lost on the
    /// way, so that the store must not need them.
    ///
    /// # Panics
    /// When there is no port.
    pub async fn over(store: Arc<dyn ObjectStore>) -> Self {
        Self::start(Bridge::new(store), None).await
    }

    /// Answers from a folder by way of `s3s-fs`, which was written by others, and so agrees with the protocol rather
    /// than with us. What it lacks is in
    /// [`S3S_FS_OBJECTS`](super::S3S_FS_OBJECTS) and [`S3S_FS_UPLOADS`](super::S3S_FS_UPLOADS).
    ///
    /// # Panics
    /// When there is no port, or no folder.
    pub async fn independent() -> Self {
        let folder = TempDir::new().expect("a folder");
        std::fs::create_dir(folder.path().join(BUCKET)).expect("a bucket");
        let server = FileSystemServer::new(folder.path());
        Self::start(server, Some(folder)).await
    }

    async fn start(s3: impl S3, folder: Option<TempDir>) -> Self {
        let mut service = S3ServiceBuilder::new(s3);
        service.set_auth(SimpleAuth::from_single(ACCESS_KEY, SECRET_KEY));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address: SocketAddr = listener.local_addr().expect("an address");
        let task = tokio::spawn(serve(listener, service.build()));
        Self { endpoint: format!("http://{address}"), task, _folder: folder }
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, service: S3Service) {
    while let Ok((stream, _)) = listener.accept().await {
        // A client that goes away is no error here.
        drop(stream.set_nodelay(true));
        tokio::spawn(converse(stream, service.clone()));
    }
}

async fn converse(stream: TcpStream, service: S3Service) {
    let answer = service_fn(move |request| {
        let service = service.clone();
        async move { answer(&service, request).await }
    });
    drop(Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), answer).await);
}

/// An error ends the connection without an answer.
async fn answer(service: &S3Service, request: hyper::Request<hyper::body::Incoming>) -> io::Result<HttpResponse> {
    let request: HttpRequest = request.map(s3s::Body::from);
    let response = service.call(request).await.map_err(|error| io::Error::other(format!("{error:?}")))?;
    if response.headers().contains_key(HANG_UP) { Err(io::ErrorKind::ConnectionReset.into()) } else { Ok(response) }
}
