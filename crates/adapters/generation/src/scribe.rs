use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use tenantry_kernel::StorageError;
use tenantry_readings::ports::Entry;
use tenantry_readings::{Desk, ReadingId};
use tokio::sync::oneshot::error::TryRecvError;
use tokio::sync::{Mutex as TurnMutex, oneshot};

/// Entries that are stored in one transaction at most.
const AT_ONCE: usize = 256;

/// Writes pieces down, those of all readings that wait in one transaction: while one is stored, the next ones gather.
pub(crate) struct Scribe {
    desk: Arc<Desk>,
    waiting: Mutex<Vec<Waiting>>,
    turn: TurnMutex<()>,
}

struct Waiting {
    entry: Entry,
    done: oneshot::Sender<Result<bool, StorageError>>,
}

impl Scribe {
    pub(crate) fn new(desk: Arc<Desk>) -> Self {
        Self { desk, waiting: Mutex::default(), turn: TurnMutex::default() }
    }

    /// Writes pieces of one reading down; tells whether it is still the worker's. After a failure it is unknown whether
    /// they are stored, and they may be written again.
    pub(crate) async fn write(&self, entry: Entry) -> Result<bool, StorageError> {
        let (done, mut is_done) = oneshot::channel();
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push(Waiting { entry, done });
        loop {
            let turn = self.turn.lock().await;
            match is_done.try_recv() {
                Ok(result) => return result,
                Err(TryRecvError::Empty) => self.write_waiting().await,
                // Whoever was writing was dropped in the middle of it.
                Err(TryRecvError::Closed) => return Err(StorageError::Unavailable(Box::new(Abandoned))),
            }
            drop(turn);
        }
    }

    /// Stores what waits by now.
    async fn write_waiting(&self) {
        let batch: Vec<Waiting> = {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            let count = waiting.len().min(AT_ONCE);
            waiting.drain(..count).filter(|waiting| !waiting.done.is_closed()).collect()
        };
        let (entries, done): (Vec<_>, Vec<_>) = batch.into_iter().map(|waiting| (waiting.entry, waiting.done)).unzip();
        if entries.is_empty() {
            return;
        }
        match self.desk.append(&entries).await {
            Ok(lost) => {
                let lost: HashSet<ReadingId> = lost.into_iter().collect();
                for (entry, done) in entries.iter().zip(done) {
                    // Whoever does not listen any more has given its reading up.
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

/// Nobody knows what became of the pieces.
#[derive(Debug, thiserror::Error)]
#[error("whoever stored pieces of answers left off")]
struct Abandoned;

/// A failure that concerns several readings.
#[derive(Debug, thiserror::Error)]
#[error("pieces of answers could not be stored")]
struct Shared(#[source] Arc<StorageError>);
