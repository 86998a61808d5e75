//! Uploads the files of a run, many at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tenantry_kernel::Clock;
use tenantry_pace::{Budget, Pace};
use tenantry_source::SourceFolder;
use tenantry_sync::objects::{ObjectError, ObjectStore};
use tenantry_sync::{FileRecordId, SyncSession};
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinError, JoinSet};
use tokio::time::timeout;

use super::file;
use super::halt::{Halt, Signal};
use super::journal::Journal;
use super::recorder::{self, Event};
use super::refusals::Refusals;

/// Files that are read from the database at once.
const PAGE: u32 = 1_000;

/// Events that wait to be written down: a database that is away stops the uploads.
const EVENTS_AHEAD: usize = 2_000;

/// Failures of the store that a run tells of in the log.
const FAILURES_LOGGED: u32 = 20;

/// What the upload of a file needs.
pub(super) struct Upload {
    pub journal: Arc<Journal>,
    pub folder: Arc<SourceFolder>,
    pub objects: Arc<dyn ObjectStore>,
    pub clock: Arc<dyn Clock>,
    pub pace: Pace,
    pub budget: Budget,
    pub events: mpsc::Sender<Event>,
    pub refusals: Refusals,
    pub retries: u16,
    pub whole_bytes: u64,
    pub part_bytes: u64,
    pub first_retry: Duration,
    pub compares_checksums: bool,
    failures_logged: AtomicU32,
}

/// What all uploads of a run share.
pub(super) struct Means {
    pub journal: Arc<Journal>,
    pub folder: Arc<SourceFolder>,
    pub objects: Arc<dyn ObjectStore>,
    pub clock: Arc<dyn Clock>,
    pub budget: Budget,
    pub whole_bytes: u64,
    pub part_bytes: u64,
    pub first_retry: Duration,
    pub drain: Duration,
}

/// Uploads everything that the run still has to.
pub(super) async fn upload_all(means: Means, session: &SyncSession) -> Result<(), Halt> {
    let (events, received) = mpsc::channel(EVENTS_AHEAD);
    // Sets of tasks, so that none outlives the run.
    let mut recorders = JoinSet::new();
    let recorder = recorders.spawn(recorder::record(Arc::clone(&means.journal), received));
    let drain = means.drain;
    let upload = Arc::new(Upload {
        pace: Pace::new(session.max_workers.get().into()),
        journal: means.journal,
        folder: means.folder,
        objects: means.objects,
        clock: means.clock,
        budget: means.budget,
        events,
        refusals: Refusals::default(),
        retries: session.times_to_retry.get(),
        whole_bytes: means.whole_bytes,
        part_bytes: means.part_bytes,
        first_retry: means.first_retry,
        compares_checksums: session.compare_by == tenantry_sync::CompareBy::Checksum,
        failures_logged: AtomicU32::new(0),
    });
    let mut under_way = JoinSet::new();
    let ended = match feed(&upload, &mut under_way, &recorder).await {
        Ok(()) => finish_all(&upload, &mut under_way).await,
        Err(halt) => Err(halt),
    };
    if let Err(Halt::Cancelled | Halt::Stopping | Halt::Failed(_)) = &ended {
        // What is all but there is let through; the rest is for whoever comes next.
        let _ = timeout(drain / 2, async { while under_way.join_next().await.is_some() {} }).await;
    }
    under_way.shutdown().await;
    // The last sender: the recorder ends when it has written everything.
    drop(upload);
    let journal = recorders.join_next().await.unwrap_or(Ok(Ok(())));
    journal.unwrap_or_else(|error| Err(broken(&error))).and(ended)
}

async fn feed(
    upload: &Arc<Upload>,
    under_way: &mut JoinSet<Result<(), Halt>>,
    recorder: &AbortHandle,
) -> Result<(), Halt> {
    let mut signal = upload.journal.signal.clone();
    let mut after: Option<FileRecordId> = None;
    loop {
        let page = upload.journal.pending(after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.id);
        for file in page {
            let turn = tokio::select! {
                turn = upload.pace.turn() => turn,
                halt = halted(&mut signal) => return Err(halt),
            };
            signal.borrow().check()?;
            upload.refusals.check()?;
            if recorder.is_finished() {
                // It says why.
                return Ok(());
            }
            while let Some(ended) = under_way.try_join_next() {
                ended.unwrap_or_else(|error| Err(broken(&error)))?;
            }
            let upload = Arc::clone(upload);
            under_way.spawn(async move { file::upload(&upload, file, turn).await });
        }
    }
}

async fn finish_all(upload: &Upload, under_way: &mut JoinSet<Result<(), Halt>>) -> Result<(), Halt> {
    let mut signal = upload.journal.signal.clone();
    loop {
        tokio::select! {
            ended = under_way.join_next() => match ended {
                None => return upload.refusals.check(),
                Some(ended) => ended.unwrap_or_else(|error| Err(broken(&error)))?,
            },
            halt = halted(&mut signal) => return Err(halt),
        }
    }
}

fn broken(error: &JoinError) -> Halt {
    Halt::Failed(format!("a worker failed: {error}"))
}

/// Completes when the run is to stop.
pub(super) async fn halted(signal: &mut watch::Receiver<Signal>) -> Halt {
    loop {
        if let Err(halt) = signal.borrow_and_update().check() {
            return halt;
        }
        if signal.changed().await.is_err() {
            return Halt::Lost;
        }
    }
}

impl Upload {
    /// Tells operators what the store says; of a store that fails all the time, not for every file.
    pub fn log(&self, error: &ObjectError) {
        if self.failures_logged.fetch_add(1, Ordering::Relaxed) < FAILURES_LOGGED {
            tracing::warn!(?error, run_id = %self.journal.run.id, "an object store failed");
        }
    }

    /// Nobody listens once the recorder has found the run to be another worker's.
    pub async fn tell(&self, event: Event) {
        let _ = self.events.send(event).await;
    }
}
