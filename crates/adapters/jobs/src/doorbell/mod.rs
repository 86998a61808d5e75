//! Wakes workers: those of this process at once, and those of others along a line.

mod postgres;
mod redis;

use std::collections::{BTreeSet, HashMap};
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tenantry_application::ports::JobBell;
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::sleep;

use crate::worker::stopped_within;

pub use postgres::PostgresLine;
pub use redis::RedisLine;

/// Rings that come within this long go along the line together. The first goes at once.
const DEBOUNCE: Duration = Duration::from_millis(20);

/// The waits before a line is connected to again.
const FIRST_RETRY: Duration = Duration::from_millis(500);
const LAST_RETRY: Duration = Duration::from_secs(30);

/// The name under which all queues are rung for, since nobody knows what was missed.
pub const EVERY_QUEUE: &str = "*";

/// What carries rings to other processes.
#[async_trait]
pub trait Line: Send + Sync {
    /// Rings for these queues in all other processes that listen now.
    async fn ring(&self, queues: &[String]) -> Result<(), LineError>;
    /// Calls `hear` with each queue that another process rings for, and with [`EVERY_QUEUE`] whenever it is connected
    /// anew, until it breaks.
    async fn listen(&self, hear: &(dyn for<'q> Fn(&'q str) + Sync)) -> LineError;
}

/// A line is broken.
#[derive(Debug, thiserror::Error)]
#[error("the line is broken")]
pub struct LineError(#[source] Box<dyn Error + Send + Sync>);

impl LineError {
    /// For this reason.
    pub fn new(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(error.into())
    }
}

/// The bells of all queues. Clones are the same bells.
#[derive(Clone)]
pub struct Doorbell(Arc<Bells>);

struct Bells {
    here: Mutex<HashMap<String, Arc<Notify>>>,
    elsewhere: Option<mpsc::UnboundedSender<String>>,
}

/// Carries rings to other processes.
pub struct Courier {
    rings: mpsc::UnboundedReceiver<String>,
    line: Arc<dyn Line>,
}

impl Doorbell {
    /// Bells that are heard in this process only.
    #[must_use]
    pub fn alone() -> Self {
        Self(Arc::new(Bells { here: Mutex::default(), elsewhere: None }))
    }

    /// Bells that are heard along `line` as well, for as long as the courier is at work.
    #[must_use]
    pub fn on(line: Arc<dyn Line>) -> (Self, Courier) {
        let (elsewhere, rings) = mpsc::unbounded_channel();
        (Self(Arc::new(Bells { here: Mutex::default(), elsewhere: Some(elsewhere) })), Courier { rings, line })
    }

    /// The bell of a queue in this process. One ring that nobody waits for is kept.
    #[must_use]
    pub fn of_queue(&self, queue: &str) -> Arc<Notify> {
        let mut bells = self.0.here.lock().unwrap_or_else(PoisonError::into_inner);
        bells.entry(queue.to_owned()).or_default().clone()
    }

    fn ring_here(&self, queue: &str) {
        if queue != EVERY_QUEUE {
            return self.of_queue(queue).notify_one();
        }
        let bells = self.0.here.lock().unwrap_or_else(PoisonError::into_inner);
        bells.values().for_each(|bell| bell.notify_one());
    }

    /// Rings here for whatever other processes ring for, until told to stop.
    pub(crate) async fn listen(&self, line: &dyn Line, mut stopping: watch::Receiver<bool>) {
        let mut wait = FIRST_RETRY;
        loop {
            let error = {
                let was_heard = Mutex::new(false);
                let hear = |queue: &str| {
                    *was_heard.lock().unwrap_or_else(PoisonError::into_inner) = true;
                    self.ring_here(queue);
                };
                let error = tokio::select! {
                    error = line.listen(&hear) => error,
                    _ = stopping.wait_for(|stop| *stop) => return,
                };
                if *was_heard.lock().unwrap_or_else(PoisonError::into_inner) {
                    wait = FIRST_RETRY;
                }
                error
            };
            tracing::warn!(?error, ?wait, "other processes are not heard; workers look by themselves meanwhile");
            if stopped_within(&mut stopping, wait).await {
                return;
            }
            wait = wait.saturating_mul(2).min(LAST_RETRY);
        }
    }
}

impl JobBell for Doorbell {
    fn ring(&self, queue: &str) {
        self.ring_here(queue);
        if let Some(elsewhere) = &self.0.elsewhere {
            // Without a courier, others look by themselves.
            elsewhere.send(queue.to_owned()).ok();
        }
    }
}

impl Courier {
    /// Carries rings until the last clone of the bells is gone.
    pub async fn carry(mut self) {
        while let Some(first) = self.rings.recv().await {
            let mut queues = BTreeSet::from([first]);
            while let Ok(queue) = self.rings.try_recv() {
                queues.insert(queue);
            }
            let queues: Vec<String> = queues.into_iter().collect();
            if let Err(error) = self.line.ring(&queues).await {
                tracing::debug!(?error, "other processes were not rung for; they look by themselves");
            }
            sleep(DEBOUNCE).await;
        }
    }
}

/// What goes along a line: who rings, so that nobody hears themselves, and for which queue.
fn message(sender: &str, queue: &str) -> String {
    format!("{sender} {queue}")
}

/// The queue of a message that somebody else sent.
fn heard<'m>(sender: &str, message: &'m str) -> Option<&'m str> {
    message.split_once(' ').filter(|(from, _)| *from != sender).map(|(_, queue)| queue)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_hears_themselves() {
        assert_eq!(heard("a", &message("b", "main")), Some("main"));
        assert_eq!(heard("a", &message("a", "main")), None);
        assert_eq!(heard("a", "garbage"), None);
    }

    #[tokio::test]
    async fn a_ring_that_nobody_waits_for_is_kept() {
        let doorbell = Doorbell::alone();
        doorbell.ring("a");
        doorbell.ring("a");
        doorbell.of_queue("a").notified().await;
        let bell = doorbell.of_queue("a");
        assert!(tokio::time::timeout(Duration::from_millis(20), bell.notified()).await.is_err());
        doorbell.ring(EVERY_QUEUE);
        bell.notified().await;
    }
}
