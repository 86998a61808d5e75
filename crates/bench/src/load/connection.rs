use std::io;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// More than any answer here has.
const MOST_HEADERS: usize = 64;
const BUFFER_BYTES: usize = 64 * 1_024;

/// One kept-alive connection: a request, then its whole answer.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// An answer.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    pub status: u16,
    /// Whether it says when to try again.
    pub has_retry_after: bool,
    pub body: &'a [u8],
}

/// The status of an answer, and where its body is.
#[derive(Debug, Clone, Copy)]
struct Head {
    status: u16,
    has_retry_after: bool,
    bytes: usize,
    body_bytes: usize,
}

impl Connection {
    /// Connects to a port of this machine.
    pub async fn open(port: u16) -> io::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(BUFFER_BYTES) })
    }

    /// Sends `request` and waits for the answer.
    pub async fn exchange(&mut self, request: &[u8]) -> io::Result<Answer<'_>> {
        self.buffer.clear();
        self.stream.write_all(request).await?;
        let head = loop {
            self.read().await?;
            if let Some(head) = parse(&self.buffer)? {
                break head;
            }
        };
        let end = head.bytes + head.body_bytes;
        while self.buffer.len() < end {
            self.read().await?;
        }
        Ok(Answer {
            status: head.status,
            has_retry_after: head.has_retry_after,
            body: self.buffer.get(head.bytes..end).unwrap_or_default(),
        })
    }

    async fn read(&mut self) -> io::Result<()> {
        let read = self.stream.read_buf(&mut self.buffer).await?;
        if read == 0 { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
    }
}

/// The head of the answer in `bytes`, once it is whole.
fn parse(bytes: &[u8]) -> io::Result<Option<Head>> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut answer = httparse::Response::new(&mut headers);
    let parsed = answer.parse(bytes).map_err(io::Error::other)?;
    let httparse::Status::Complete(length) = parsed else { return Ok(None) };
    let status = answer.code.unwrap_or_default();
    let header = answer.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
    let body_bytes = header.and_then(|header| std::str::from_utf8(header.value).ok()?.parse().ok());
    let body_bytes = body_bytes.or((status == 204).then_some(0));
    let body_bytes = body_bytes.ok_or_else(|| io::Error::other("an answer without content-length"))?;
    let has_retry_after = answer.headers.iter().any(|header| header.name.eq_ignore_ascii_case("retry-after"));
    Ok(Some(Head { status, has_retry_after, bytes: length, body_bytes }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_once_its_head_is_whole() {
        let answer = b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}";
        let head = parse(answer).unwrap().unwrap();
        assert_eq!((head.status, &answer[head.bytes..], head.body_bytes), (404, b"{}".as_slice(), 2));
        assert!(parse(&answer[..30]).unwrap().is_none());
        assert!(parse(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }
}
