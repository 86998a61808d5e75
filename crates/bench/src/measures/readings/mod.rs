//! Readings, with a provider of this process: what the server adds to the provider's own time, and what many streams cost.

mod provider;

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{interval, sleep};

use self::provider::{MARK, Manner, Provider};
use super::Bench;
use crate::arguments::Kind;
use crate::databases::Database;
use crate::error::Result;
use crate::load::{Connection, Request, exchange};
use crate::node::{Member, Node};
use crate::process::Process;
use crate::report::{Aim, Report, Row};
use crate::statistics::percentile;

/// Questions a second, and for how long.
const RATE: u32 = 500;
const DURATION: Duration = Duration::from_secs(10);
const CONNECTIONS: u32 = 100;

/// Streams at the same time, and how long each of them takes.
const STREAMS: u32 = 1_000;
const STREAM_PIECES: u32 = 20;
const STREAM_PAUSE: Duration = Duration::from_millis(500);

/// How long another proxy may take to start.
const START_LIMIT: Duration = Duration::from_mins(1);

/// Who is asked.
#[derive(Debug, Clone)]
struct Asked {
    port: u16,
    path: &'static str,
    status: u16,
    token: Option<String>,
}

/// Measures what is added to a provider's answers, whole and streamed, and the memory of many streams.
pub(super) fn measure(bench: &Bench<'_>, kind: Kind, report: &mut Report) -> Result<()> {
    bench.runtime.block_on(async {
        let Some(database) = Database::create(kind).await? else { return Ok(()) };
        let provider = Provider::start().await?;
        Node::migrate(&bench.server, &database).await?;
        let node = Node::start_with(&bench.server, &database, &environment(provider.port)).await?;
        let member = node.sign_up().await?;
        let mut add = |measure: &str, measured: String, beside: String, result: f64, aim| {
            report.add(Row { database: kind.name(), measure: measure.to_owned(), measured, beside, result, aim });
        };
        let token = Some(member.token.clone());
        let ours = Asked { port: node.port, path: "/api/v1/readings", status: 201, token };
        let mut added = added_latency(&provider, &ours, 0).await?;
        for (percent, aim) in [(50, Aim::None), (99, Aim::AtMost(2.0))] {
            let result = milliseconds(percentile(&mut added, percent));
            add(
                &format!("added to {RATE} answers a second, {percent} %, ms"),
                String::new(),
                String::new(),
                result,
                aim,
            );
        }
        let mut first = first_pieces(&provider, &node, &member).await?;
        for (percent, aim) in [(50, Aim::None), (99, Aim::AtMost(5.0))] {
            let result = milliseconds(percentile(&mut first, percent));
            let measure = format!("first piece of a stream after the provider's, {percent} %, ms");
            add(&measure, String::new(), String::new(), result, aim);
        }
        let memory = memory_of_streams(&provider, &node, &member).await?;
        add(&format!("memory of {STREAMS} streams, MiB"), String::new(), String::new(), memory, Aim::AtMost(100.0));
        if let Some(litellm) = &bench.options.litellm {
            let proxy = Proxy::start(litellm, provider.port).await?;
            let theirs = Asked { port: proxy.port, path: "/v1/chat/completions", status: 200, token: None };
            let mut beside = added_latency(&provider, &theirs, 1 << 40).await?;
            for percent in [50, 99] {
                let (ours, theirs) = (percentile(&mut added, percent), percentile(&mut beside, percent));
                let shown = |time| format!("{:.2} ms", milliseconds(time));
                let ratio = milliseconds(ours) / milliseconds(theirs);
                let measure = format!("added beside litellm's proxy, {percent} %");
                add(&measure, shown(ours), shown(theirs), ratio, Aim::AtMost(1.0));
            }
        }
        Ok(())
    })
}

fn milliseconds(time: Option<Duration>) -> f64 {
    time.unwrap_or_default().as_secs_f64() * 1_000.0
}

fn environment(provider: u16) -> [(&'static str, String); 11] {
    [
        ("TENANTRY__READINGS__PROVIDER", "chat".to_owned()),
        ("TENANTRY__READINGS__BASE_URL", format!("http://127.0.0.1:{provider}/v1")),
        ("TENANTRY__READINGS__MODEL", "bench".to_owned()),
        ("TENANTRY__READINGS__PRICE_PROMPT", "0.15".to_owned()),
        ("TENANTRY__READINGS__PRICE_COMPLETION", "0.60".to_owned()),
        ("TENANTRY__READINGS__QUESTIONS_PER_MINUTE_PER_ORGANIZATION", "0".to_owned()),
        ("TENANTRY__READINGS__TOKENS_PER_MINUTE_PER_ORGANIZATION", "0".to_owned()),
        ("TENANTRY__SERVER__EVENT_STREAMS_PER_ORGANIZATION", "2000".to_owned()),
        ("TENANTRY__SERVER__EVENT_STREAMS_PER_USER", "2000".to_owned()),
        ("TENANTRY__READINGS__CONCURRENT_ANSWERS", "2000".to_owned()),
        ("TENANTRY__READINGS__CONCURRENT_ANSWERS_PER_ORGANIZATION", "2000".to_owned()),
    ]
}

impl Asked {
    fn request(&self, number: u64) -> Result<Request> {
        let question = format!("This is {MARK}{number}.");
        let body = if self.status == 201 {
            json!({"advisor": "legba", "question": question})
        } else {
            json!({"model": "bench", "messages": [{"role": "user", "content": question}]})
        };
        Ok(Request::post(self.port, self.path, self.token.as_deref(), &body)?.expecting(self.status))
    }
}

/// What each answer took beyond the provider's own time, at a steady rate. Numbers of questions begin at `first`.
async fn added_latency(provider: &Arc<Provider>, asked: &Asked, first: u64) -> Result<Vec<Duration>> {
    provider.behave(Manner { pieces: 3, pause: Duration::from_millis(2) });
    let pace = Duration::from_secs(1) * CONNECTIONS / RATE;
    let mut tasks: JoinSet<Result<Vec<Duration>>> = JoinSet::new();
    for place in 0..CONNECTIONS {
        let (provider, asked) = (provider.clone(), asked.clone());
        tasks.spawn(async move {
            let mut connection = Connection::open(asked.port).await?;
            sleep(pace * place / CONNECTIONS).await;
            let (start, mut ticks, mut added) = (Instant::now(), interval(pace), Vec::new());
            let mut number = first + (u64::from(place) << 20);
            while start.elapsed() < DURATION {
                ticks.tick().await;
                number += 1;
                let request = asked.request(number)?;
                let sent = Instant::now();
                exchange(&mut connection, &request).await?;
                let took = sent.elapsed();
                let moments = provider.moments(number).ok_or("the provider was not asked")?;
                added.push(took.saturating_sub(moments.ended - moments.heard));
            }
            Ok(added)
        });
    }
    let mut added = Vec::new();
    while let Some(share) = tasks.join_next().await {
        added.extend(share??);
    }
    Ok(added)
}

/// How much later than the provider wrote it the first piece of a stream came, one stream after the other.
async fn first_pieces(provider: &Arc<Provider>, node: &Node, member: &Member) -> Result<Vec<Duration>> {
    provider.behave(Manner { pieces: 3, pause: Duration::from_millis(5) });
    let mut later = Vec::new();
    for number in 0..200 {
        let number = (1 << 50) + number;
        let mut stream = open_stream(node, member, number).await?;
        let came = read_until(&mut stream, "event: delta").await?;
        read_until(&mut stream, "event: done").await?;
        let moments = provider.moments(number).ok_or("the provider was not asked")?;
        later.push(came.saturating_duration_since(moments.began));
    }
    Ok(later)
}

/// How much more memory the server has while many streams are under way, in MiB.
async fn memory_of_streams(provider: &Arc<Provider>, node: &Node, member: &Member) -> Result<f64> {
    provider.behave(Manner { pieces: STREAM_PIECES, pause: STREAM_PAUSE });
    let before = node.process.memory()?;
    let mut tasks: JoinSet<Result<()>> = JoinSet::new();
    for number in 0..STREAMS {
        let mut stream = open_stream(node, member, (1 << 51) + u64::from(number)).await?;
        tasks.spawn(async move {
            read_until(&mut stream, "event: done").await?;
            Ok(())
        });
    }
    let mut most = before;
    while !tasks.is_empty() {
        most = most.max(node.process.memory()?);
        tokio::select! {
            ended = tasks.join_next() => {
                if let Some(ended) = ended {
                    ended??;
                }
            }
            () = sleep(Duration::from_millis(100)) => {}
        }
    }
    Ok(most - before)
}

async fn open_stream(node: &Node, member: &Member, number: u64) -> Result<TcpStream> {
    let body = json!({"advisor": "legba", "question": format!("This is {MARK}{number}.")});
    let request = Request::post(node.port, "/api/v1/readings/stream", Some(&member.token), &body)?;
    let mut stream = TcpStream::connect(("127.0.0.1", node.port)).await?;
    stream.set_nodelay(true)?;
    stream.write_all(&request.bytes).await?;
    Ok(stream)
}

/// When this text came.
async fn read_until(stream: &mut TcpStream, text: &str) -> Result<Instant> {
    let mut seen = Vec::with_capacity(4_096);
    loop {
        if stream.read_buf(&mut seen).await? == 0 {
            return Err(format!("the stream ended before {text}: {}", String::from_utf8_lossy(&seen)).into());
        }
        if seen.windows(text.len()).any(|bytes| bytes == text.as_bytes()) {
            return Ok(Instant::now());
        }
        // What is looked for may come in two pieces.
        let kept = seen.len().saturating_sub(text.len());
        seen.drain(..kept);
    }
}

/// Another proxy before the same provider, without history and ledger.
struct Proxy {
    port: u16,
    _process: Process,
    _directory: tempfile::TempDir,
}

impl Proxy {
    async fn start(litellm: &Path, provider: u16) -> Result<Self> {
        let directory = tempfile::tempdir()?;
        let settings = json!({"model_list": [{"model_name": "bench", "litellm_params": {
            "model": "openai/bench", "api_key": "none", "api_base": format!("http://127.0.0.1:{provider}/v1")}}]});
        let file = directory.path().join("config.yaml");
        // JSON is YAML.
        std::fs::write(&file, settings.to_string())?;
        let port = std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let mut command = Command::new(litellm);
        command.arg("--config").arg(&file).args(["--host", "127.0.0.1", "--port", &port.to_string()]);
        command.current_dir(directory.path()).stdout(Stdio::null()).stderr(Stdio::null());
        let process = Process::start(&mut command)?;
        let start = Instant::now();
        loop {
            if let Ok(mut connection) = Connection::open(port).await
                && exchange(&mut connection, &Request::get(port, "/health/liveliness", None)).await.is_ok()
            {
                return Ok(Self { port, _process: process, _directory: directory });
            }
            if start.elapsed() > START_LIMIT {
                return Err("the proxy to compare with did not start".into());
            }
            sleep(Duration::from_millis(200)).await;
        }
    }
}
