//! A provider of chat completions that says the same to everybody, and knows when.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

use crate::error::Result;

/// What stands before the number of a question.
pub(super) const MARK: &str = "question number ";

/// How an answer is given.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manner {
    /// Pieces of it.
    pub pieces: u32,
    /// Between two of them.
    pub pause: Duration,
}

/// When a question was heard, and its answer began and ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moments {
    pub heard: Instant,
    pub began: Instant,
    pub ended: Instant,
}

/// The provider.
pub(super) struct Provider {
    pub port: u16,
    manner: Mutex<Manner>,
    moments: Mutex<HashMap<u64, Moments>>,
}

impl Provider {
    /// Listens, until the runtime ends.
    pub async fn start() -> Result<Arc<Self>> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let manner = Mutex::new(Manner { pieces: 3, pause: Duration::ZERO });
        let provider = Arc::new(Self { port: listener.local_addr()?.port(), manner, moments: Mutex::default() });
        let host = provider.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let host = host.clone();
                tokio::spawn(async move {
                    // A connection that ends is nobody's fault.
                    host.serve(stream).await.ok();
                });
            }
        });
        Ok(provider)
    }

    /// Answers so from now on.
    pub fn behave(&self, manner: Manner) {
        *self.manner.lock().unwrap_or_else(PoisonError::into_inner) = manner;
    }

    /// When the question with this number was heard and answered.
    pub fn moments(&self, number: u64) -> Option<Moments> {
        self.moments.lock().unwrap_or_else(PoisonError::into_inner).get(&number).copied()
    }

    async fn serve(&self, mut stream: TcpStream) -> Result<()> {
        stream.set_nodelay(true)?;
        let mut buffer = Vec::new();
        loop {
            let Some(body) = read_request(&mut stream, &mut buffer).await? else { return Ok(()) };
            let heard = Instant::now();
            let manner = *self.manner.lock().unwrap_or_else(PoisonError::into_inner);
            let (began, ended) = if body.contains("\"stream\":true") || body.contains("\"stream\": true") {
                answer_in_pieces(&mut stream, manner).await?
            } else {
                answer_whole(&mut stream, manner).await?
            };
            if let Some(number) = number_in(&body) {
                let moments = Moments { heard, began, ended };
                self.moments.lock().unwrap_or_else(PoisonError::into_inner).insert(number, moments);
            }
        }
    }
}

/// The number of a question, wherever it stands.
pub(super) fn number_in(text: &str) -> Option<u64> {
    let (_, rest) = text.split_once(MARK)?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// The body of the next request; nothing once the connection ends.
async fn read_request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<Option<String>> {
    loop {
        if let Some(head) = buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            let text = String::from_utf8_lossy(buffer.get(..head).unwrap_or_default()).to_lowercase();
            let length = text.lines().find_map(|line| line.strip_prefix("content-length:"));
            let length: usize = length.map_or(Ok(0), |length| length.trim().parse())?;
            let end = head + 4 + length;
            if buffer.len() >= end {
                let body = String::from_utf8_lossy(buffer.get(head + 4..end).unwrap_or_default()).into_owned();
                buffer.drain(..end);
                return Ok(Some(body));
            }
        }
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    }
}

async fn answer_in_pieces(stream: &mut TcpStream, manner: Manner) -> Result<(Instant, Instant)> {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await?;
    let mut began = None;
    for piece in 0..manner.pieces {
        let event = format!(
            "data: {{\"id\":\"x\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"bench\",\
             \"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"piece {piece} \"}},\"finish_reason\":null}}]}}\n\n"
        );
        began.get_or_insert_with(Instant::now);
        stream.write_all(chunk(&event).as_bytes()).await?;
        if piece + 1 < manner.pieces {
            sleep(manner.pause).await;
        }
    }
    let end = "data: {\"id\":\"x\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"bench\",\
         \"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}],\
         \"usage\":{\"prompt_tokens\":20,\"completion_tokens\":9,\"total_tokens\":29}}\n\ndata: [DONE]\n\n";
    stream.write_all((chunk(end) + "0\r\n\r\n").as_bytes()).await?;
    let ended = Instant::now();
    Ok((began.unwrap_or(ended), ended))
}

async fn answer_whole(stream: &mut TcpStream, manner: Manner) -> Result<(Instant, Instant)> {
    sleep(manner.pause * manner.pieces.saturating_sub(1)).await;
    let body = "{\"id\":\"x\",\"object\":\"chat.completion\",\"created\":1,\"model\":\"bench\",\"choices\":[{\"index\":0,\
         \"message\":{\"role\":\"assistant\",\"content\":\"piece 0 piece 1 piece 2\"},\"finish_reason\":\"stop\"}],\
         \"usage\":{\"prompt_tokens\":20,\"completion_tokens\":9,\"total_tokens\":29}}";
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
    let began = Instant::now();
    stream.write_all(format!("{head}content-length: {}\r\n\r\n{body}", body.len()).as_bytes()).await?;
    Ok((began, Instant::now()))
}

fn chunk(text: &str) -> String {
    format!("{:x}\r\n{text}\r\n", text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_within_bodies() {
        assert_eq!(number_in("{\"content\":\"This is question number 42.\"}"), Some(42));
        assert_eq!(number_in("{}"), None);
    }
}
