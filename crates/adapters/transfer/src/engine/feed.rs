//! Uploads the files of a run, many at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tenantry_kernel::Clock;
use tenantry_sync::objects::{ObjectError, ObjectStore};
use tenantry_sync::{FileOutcome, FileRecordId, FileResult, PlannedFile, SyncSession};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::file;
use super::halt::{Halt, Signal};
use super::journal::Journal;
use super::pace::{Budget, Pace};
use super::recorder::{self, Event};
use crate::source::SourceFolder;

/// Files that are read from the database at once.
const PAGE: u32 = 1_000;

/// Events that wait to be written down: a database that is away stops the uploads.
const EVENTS_AHEAD: usize = 2_000;

/// A store that has refused so many files, and taken none, will refuse the rest.
const REFUSALS: u32 = 20;

/// What the upload of a file needs.
pub(super) struct Upload {
    pub journal: Arc<Journal>,
    pub folder: Arc<SourceFolder>,
    pub objects: Arc<dyn ObjectStore>,
    pub clock: Arc<dyn Clock>,
    pub pace: Pace,
    pub budget: Budget,
    pub events: mpsc::Sender<Event>,
    pub retries: u16,
    pub whole_bytes: u64,
    pub first_retry: Duration,
    pub compares_checksums: bool,
    pub refusals: AtomicU32,
}

/// What all uploads of a run share.
pub(super) struct Means {
    pub journal: Arc<Journal>,
    pub folder: Arc<SourceFolder>,
    pub objects: Arc<dyn ObjectStore>,
    pub clock: Arc<dyn Clock>,
    pub budget: Budget,
    pub whole_bytes: u64,
    pub first_retry: Duration,
    pub drain: Duration,
}

/// Uploads everything that the run still has to.
pub(super) async fn upload_all(means: Means, session: &SyncSession) -> Result<(), Halt> {
    let (events, received) = mpsc::channel(EVENTS_AHEAD);
    let recording = tokio::spawn(recorder::record(Arc::clone(&means.journal), received));
    let drain = means.drain;
    let upload = Arc::new(Upload {
        pace: Pace::new(session.max_workers.get().into()),
        journal: means.journal,
        folder: means.folder,
        objects: means.objects,
        clock: means.clock,
        budget: means.budget,
        events,
        retries: session.times_to_retry.get(),
        whole_bytes: means.whole_bytes,
        first_retry: means.first_retry,
        compares_checksums: session.compare_by == tenantry_sync::CompareBy::Checksum,
        refusals: AtomicU32::new(0),
    });
    let mut under_way = JoinSet::new();
    let fed = feed(&upload, &mut under_way, &recording).await;
    let ended = match fed {
        Ok(()) => finish_all(&upload, &mut under_way).await,
        Err(halt) => {
            // What is all but there is let through; the rest is for whoever comes next.
            let _ = tokio::time::timeout(drain / 2, async { while under_way.join_next().await.is_some() {} }).await;
            Err(halt)
        }
    };
    under_way.shutdown().await;
    // The last sender: the recorder ends when it has written everything.
    drop(upload);
    let recorded = recording.await.unwrap_or_else(|error| Err(Halt::Failed(format!("a worker failed: {error}"))));
    recorded.and(ended)
}

async fn feed(
    upload: &Arc<Upload>,
    under_way: &mut JoinSet<()>,
    recording: &tokio::task::JoinHandle<Result<(), Halt>>,
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
            upload.check_refusals()?;
            if recording.is_finished() {
                // It says why.
                return Ok(());
            }
            while under_way.try_join_next().is_some() {}
            let upload = Arc::clone(upload);
            under_way.spawn(async move { upload.one(file, turn).await });
        }
    }
}

async fn finish_all(upload: &Upload, under_way: &mut JoinSet<()>) -> Result<(), Halt> {
    let mut signal = upload.journal.signal.clone();
    loop {
        tokio::select! {
            ended = under_way.join_next() => match ended {
                None => break,
                Some(Ok(())) => {}
                Some(Err(error)) => return Err(Halt::Failed(format!("a worker failed: {error}"))),
            },
            halt = halted(&mut signal) => return Err(halt),
        }
    }
    upload.check_refusals()
}

/// Completes when the run is to stop.
async fn halted(signal: &mut watch::Receiver<Signal>) -> Halt {
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
    async fn one(&self, file: PlannedFile, turn: super::pace::Turn) {
        if let Some(outcome) = file::upload(self, file, turn).await {
            match &outcome.result {
                FileResult::Failed(_) => {}
                FileResult::Uploaded { .. } | FileResult::Unchanged(_) => self.refusals.store(0, Ordering::Relaxed),
            }
            self.tell(Event::File(outcome)).await;
        }
    }

    /// Nobody listens once the recorder has found the run to be another worker's.
    pub async fn tell(&self, event: Event) {
        let _ = self.events.send(event).await;
    }

    pub fn note_refusal(&self, error: &ObjectError) {
        if matches!(error, ObjectError::Refused { .. }) {
            self.refusals.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn check_refusals(&self) -> Result<(), Halt> {
        if self.refusals.load(Ordering::Relaxed) < REFUSALS {
            return Ok(());
        }
        Err(Halt::Failed("the object store refuses every file: see what it says of them".to_owned()))
    }
}

/// What came of a file that could not be uploaded.
pub(super) fn failed(file: PlannedFile, reason: String) -> FileOutcome {
    FileOutcome { file, result: FileResult::Failed(reason) }
}
