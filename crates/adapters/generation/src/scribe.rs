use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tenantry_kernel::StorageError;
use tenantry_readings::ports::Entry;
use tenantry_readings::{Desk, ReadingId};
use tokio::sync::oneshot;

/// Entries that are stored in one transaction at most.
const AT_ONCE: usize = 256;

/// Writes pieces down, those of all readings that wait in one transaction: while one is stored, the next ones gather.
pub(crate) struct Scribe {
    desk: Arc<Desk>,
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    waiting: Vec<Waiting>,
    /// Whether somebody is at it.
    is_written: bool,
}

struct Waiting {
    entry: Entry,
    done: oneshot::Sender<Result<bool, StorageError>>,
}

/// Whoever writes what waits. However that ends, somebody else may begin.
struct Turn(Arc<Scribe>);

impl Scribe {
    pub(crate) fn new(desk: Arc<Desk>) -> Arc<Self> {
        Arc::new(Self { desk, queue: Mutex::default() })
    }

    /// Writes pieces of one reading down; tells whether it is still the worker's. After a failure it is unknown whether
    /// they are stored, and they may be written again.
    pub(crate) async fn write(self: &Arc<Self>, entry: Entry) -> Result<bool, StorageError> {
        let (done, is_done) = oneshot::channel();
        let is_written = {
            let mut queue = self.queue();
            queue.waiting.push(Waiting { entry, done });
            std::mem::replace(&mut queue.is_written, true)
        };
        if !is_written {
            // By nobody's task in particular, since whoever waits may be dropped.
            tokio::spawn(Turn(self.clone()).write_what_waits());
        }
        is_done.await.unwrap_or_else(|_dropped| Err(StorageError::Unavailable(Box::new(Abandoned))))
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What comes next; once nothing does, the turn is over.
    fn next_batch(&self) -> Vec<Waiting> {
        let mut queue = self.queue();
        let count = queue.waiting.len().min(AT_ONCE);
        let batch: Vec<Waiting> = queue.waiting.drain(..count).collect();
        queue.is_written = !batch.is_empty();
        batch
    }

    async fn write_batch(&self, batch: Vec<Waiting>) {
        // Whoever does not listen any more has given its reading up.
        let batch = batch.into_iter().filter(|waiting| !waiting.done.is_closed());
        let (entries, done): (Vec<_>, Vec<_>) = batch.map(|waiting| (waiting.entry, waiting.done)).unzip();
        if entries.is_empty() {
            return;
        }
        match self.desk.append(&entries).await {
            Ok(lost) => {
                let lost: HashSet<ReadingId> = lost.into_iter().collect();
                for (entry, done) in entries.iter().zip(done) {
                    drop(done.send(Ok(!lost.contains(&entry.reading_id))));
                }
            }
            Err(error) => {
                let error = Arc::new(error);
                for done in done {
                    drop(done.send(Err(StorageError::Unavailable(Box::new(Shared(error.clone()))))));
                }
            }
        }
    }
}

impl Turn {
    async fn write_what_waits(self) {
        loop {
            let batch = self.0.next_batch();
            if batch.is_empty() {
                return;
            }
            self.0.write_batch(batch).await;
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.queue().is_written = false;
        }
    }
}

/// Nobody knows what became of the pieces.
#[derive(Debug, thiserror::Error)]
#[error("whoever stored pieces of answers left off")]
struct Abandoned;

/// A failure that concerns several readings.
#[derive(Debug, thiserror::Error)]
#[error("pieces of answers could not be stored")]
struct Shared(#[source] Arc<StorageError>);
