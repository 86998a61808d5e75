//! The load generator: connections that each send a request again as soon as it is answered.
//!
//! It lives in this process, on as many single-threaded runtimes as there are cores, and shares them with the servers,
//! as the usual load generators do.

mod connection;
mod request;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

pub use self::connection::Connection;
pub use self::request::Request;
use crate::error::{Error, Result};
use crate::statistics::float;

/// The most of an unexpected answer that is shown.
const SHOWN_BYTES: usize = 500;

/// How a request is sent.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// Connections at a time.
    pub connections: NonZeroUsize,
    /// How long; requests in flight at the end are waited for, and not counted.
    pub duration: Duration,
    /// The time between two requests of a connection; at once after the answer where there is none.
    pub interval: Option<Duration>,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The time that each answer took.
    pub latencies: Vec<Duration>,
    /// When each answer came, after the start.
    pub moments: Vec<Duration>,
    /// From the first request to the end.
    pub elapsed: Duration,
}

impl Outcome {
    /// Answers a second.
    pub fn rate(&self) -> f64 {
        float(self.latencies.len()) / self.elapsed.as_secs_f64()
    }

    /// Answers a second between the first and the last one: for answers that are few in the measured time.
    pub fn steady_rate(&self) -> f64 {
        let (first, last) = (self.moments.iter().min(), self.moments.iter().max());
        let span = first.zip(last).map_or(Duration::ZERO, |(first, last)| last.saturating_sub(*first));
        float(self.moments.len().saturating_sub(1)) / span.as_secs_f64()
    }

    fn absorb(&mut self, other: Self) {
        self.latencies.extend(other.latencies);
        self.moments.extend(other.moments);
        self.elapsed = self.elapsed.max(other.elapsed);
    }
}

/// Sends `request` as `load` says; blocks until it is over.
///
/// # Errors
/// When a connection fails, and when an answer has another status than expected.
pub fn run(load: Load, request: &Request) -> Result<Outcome> {
    let cores = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN).min(load.connections);
    let shares = (0..cores.get()).map(|core| (load.connections.get() + core) / cores);
    thread::scope(|scope| {
        let threads: Vec<_> =
            shares.map(|share| scope.spawn(move || run_on_this_thread(load, share, request))).collect();
        let mut whole = Outcome::default();
        for thread in threads {
            whole.absorb(thread.join().map_err(|_panic| "a thread of the load generator panicked")??);
        }
        Ok(whole)
    })
}

fn run_on_this_thread(load: Load, connections: usize, request: &Request) -> Result<Outcome> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let request = Arc::new(request.clone());
        let mut opened = Vec::with_capacity(connections);
        for _ in 0..connections {
            opened.push(Connection::open(request.port).await?);
        }
        let start = Instant::now();
        let mut tasks: JoinSet<Result<Outcome>> = JoinSet::new();
        for connection in opened {
            tasks.spawn(repeat(connection, load, Arc::clone(&request), start));
        }
        let mut outcome = Outcome::default();
        while let Some(finished) = tasks.join_next().await {
            outcome.absorb(finished??);
        }
        outcome.elapsed = load.duration;
        Ok(outcome)
    })
}

async fn repeat(mut connection: Connection, load: Load, request: Arc<Request>, start: Instant) -> Result<Outcome> {
    let mut ticks = load.interval.map(tokio::time::interval);
    let mut outcome = Outcome::default();
    loop {
        if let Some(ticks) = &mut ticks {
            ticks.tick().await;
        }
        let sent = Instant::now();
        if sent - start >= load.duration {
            return Ok(outcome);
        }
        exchange(&mut connection, &request).await?;
        let answered = Instant::now();
        if answered - start <= load.duration {
            outcome.latencies.push(answered - sent);
            outcome.moments.push(answered - start);
        }
    }
}

/// Sends `request` once, and gives the body of the answer.
pub async fn exchange<'a>(connection: &'a mut Connection, request: &Request) -> Result<&'a [u8]> {
    let answer = connection.exchange(&request.bytes).await?;
    if answer.status == request.status { Ok(answer.body) } else { Err(unexpected(request, answer.status, answer.body)) }
}

fn unexpected(request: &Request, status: u16, body: &[u8]) -> Error {
    let line = request.bytes.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    let body = String::from_utf8_lossy(body.get(..SHOWN_BYTES).unwrap_or(body));
    format!("{line} was answered with {status}: {body}").into()
}
