//! A provider of the test's own, which does as the question says.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What it wants to be shown.
pub const KEY: &str = "sk-of-the-oracle";

/// Speaks chat completions. Its answers are the pieces of [`ANSWER`].
pub struct Oracle {
    pub address: String,
    counts: Arc<Counts>,
    gate: watch::Sender<bool>,
    serving: JoinHandle<()>,
}

#[derive(Default)]
struct Counts {
    asked: AtomicU32,
    left: AtomicU32,
}

pub const ANSWER: [&str; 4] = ["Ask ", "again ", "at dawn,\n", "child \u{1f305}."];

impl Oracle {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (counts, gate) = (Arc::<Counts>::default(), watch::Sender::new(false));
        let (known, opened) = (counts.clone(), gate.subscribe());
        let serving = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(answer(client, known.clone(), opened.clone()));
            }
        });
        Self { address, counts, gate, serving }
    }

    /// How often it was asked.
    pub fn asked(&self) -> u32 {
        self.counts.asked.load(Ordering::SeqCst)
    }

    /// How often whoever asked did not wait for the end.
    pub fn left(&self) -> u32 {
        self.counts.left.load(Ordering::SeqCst)
    }

    /// Lets it go on with what it answers slowly.
    pub fn go_on(&self) {
        self.gate.send_replace(true);
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn answer(mut client: TcpStream, counts: Arc<Counts>, mut opened: watch::Receiver<bool>) {
    let Some(request) = read(&mut client).await else { return };
    assert!(request.to_lowercase().contains(&format!("authorization: bearer {KEY}")), "{request}");
    counts.asked.fetch_add(1, Ordering::SeqCst);
    if request.contains("Fail") {
        drop(client.write_all(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await);
        return;
    }
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";
    client.write_all(head.as_bytes()).await.unwrap();
    let mut rest = [0; 1];
    if request.contains("Be silent") {
        drop(client.read(&mut rest).await);
        return;
    }
    for (place, text) in ANSWER.iter().enumerate() {
        if place == 2 && request.contains("Break off") {
            return;
        }
        if place == 2 && request.contains("Slowly") {
            tokio::select! {
                // Nothing more is sent by whoever asks, so this is the end of the connection.
                _ = client.read(&mut rest) => {
                    counts.left.fetch_add(1, Ordering::SeqCst);
                    return;
                }
                gate = opened.wait_for(|opened| *opened) => drop(gate.unwrap()),
            }
        }
        let piece = json!({"choices": [{"index": 0, "delta": {"content": text}}]});
        if client.write_all(format!("data: {piece}\n\n").as_bytes()).await.is_err() {
            return;
        }
    }
    let sources = json!([{"url": "https://example.com/a", "title": "A"}, {"url": "https://example.com/b"}]);
    let usage = json!({"prompt_tokens": 100, "completion_tokens": 7});
    let last = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "search_results": sources, "usage": usage});
    drop(client.write_all(format!("data: {last}\n\ndata: [DONE]\n\n").as_bytes()).await);
}

/// A whole request.
async fn read(client: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let mut some = [0; 4096];
        let count = client.read(&mut some).await.ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(&some[..count]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.to_lowercase().lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        if length.is_some_and(|length: usize| body.len() >= length) {
            return Some(text);
        }
    }
}
