//! A server that does with a connection what no proper one would.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// A listener, and its address as a client names it.
pub async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address: SocketAddr = listener.local_addr().unwrap();
    (listener, format!("http://{address}"))
}

/// Takes a connection and the request that comes over it.
pub async fn accept(listener: &TcpListener) -> TcpStream {
    let (mut socket, _) = listener.accept().await.unwrap();
    socket.set_nodelay(true).unwrap();
    assert!(next_request(&mut socket).await, "the request ended early");
    socket
}

/// Takes the next request of a connection, if there is one.
pub async fn next_request(socket: &mut TcpStream) -> bool {
    let mut request = Vec::new();
    while !is_whole(&request) {
        if !matches!(socket.read_buf(&mut request).await, Ok(1..)) {
            return false;
        }
    }
    true
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length =
        head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
    body.len() >= length.unwrap_or(0)
}

/// Begins an answer whose end is that of the connection.
pub async fn begin(socket: &mut TcpStream, content_type: &str) {
    let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: {content_type}\r\n\r\n");
    socket.write_all(head.as_bytes()).await.unwrap();
}

/// Begins an answer that says itself when it is over.
pub async fn begin_chunked(socket: &mut TcpStream, content_type: &str) {
    let head = format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-type: {content_type}\r\n\r\n");
    socket.write_all(head.as_bytes()).await.unwrap();
}

pub async fn chunk(socket: &mut TcpStream, bytes: &[u8]) {
    socket.write_all(format!("{:x}\r\n", bytes.len()).as_bytes()).await.unwrap();
    socket.write_all(bytes).await.unwrap();
    socket.write_all(b"\r\n").await.unwrap();
}

/// How long the client takes to close the connection.
pub async fn closed(socket: &mut TcpStream) -> Duration {
    let since = tokio::time::Instant::now();
    let mut rest = [0; 64];
    // An end or a reset: either way the client is gone.
    while !matches!(socket.read(&mut rest).await, Ok(0) | Err(_)) {}
    since.elapsed()
}
