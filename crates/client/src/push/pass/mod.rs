//! One pass over the folder.
//!
//! All of it is one task, which knows what is at each stage and starts what may be started: files are found, read,
//! declared, sent and completed. What happens elsewhere, a thread that reads or a request under way, is a future that
//! the task waits for along with all others.

mod completing;
mod counting;
mod declaring;
mod finding;
mod sending;

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tenantry_source::{ScanEvent, ScanOptions, SourceFolder};
use tenantry_sync::objects::RelativePath;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};
use uuid::Uuid;

use self::completing::Verdicts;
use self::declaring::Said;
use self::sending::Tried;
use super::attempt::{File, Found, Wanted};
use super::cache::Cache;
use super::reading::{ReadError, Summed};
use super::retry::ask;
use super::{Context, Counts, Event, Outcome, Passed, Path, PushError, Reporter, Stop, Target};
use crate::api::{ApiError, NewDirect};

/// The most files that one request names.
const BATCH: usize = 1_000;

/// How long files wait for others to be declared with.
const GATHERING: Duration = Duration::from_millis(100);

/// How long files wait for others to be completed with.
const SETTLING: Duration = Duration::from_millis(250);

/// Requests of one kind to the server that are under way at once.
const REQUESTS: usize = 2;

/// How often it is told how far it is.
const TOLD: Duration = Duration::from_millis(250);

/// How long what is under way may go on when it is to stop.
const GRACE: Duration = Duration::from_secs(10);

/// Something that happens elsewhere.
type Task<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A file, and what came of reading it.
type Read = (Found, Result<Summed, ReadError>);

/// What is walked, and how.
pub(super) type Walk = (Arc<SourceFolder>, ScanOptions);

/// When a job is begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beginning {
    /// Before anything is found, so that it is known at once whether the server takes files.
    AtOnce,
    /// When there is a file to declare.
    WhenNeeded,
}

/// How a pass ends when nothing goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    Finished,
    /// Nothing was read, and nobody was asked.
    Counted,
    Stopped,
}

/// Files that wait for something together.
struct Gathered<T> {
    files: Vec<T>,
    since: Option<Instant>,
}

/// A file that waits until it is tried again.
enum Again {
    Read(Found),
    Declare(File),
}

/// One pass.
pub(super) struct Pass<'a> {
    context: &'a Arc<Context>,
    cache: &'a mut Cache,
    reporter: &'a dyn Reporter,
    job: Option<Uuid>,
    counts: Counts,
    /// What had been sent before it began.
    sent_before: u64,
    /// Files that were found, and have to be read.
    found: VecDeque<Found>,
    reading: FuturesUnordered<JoinHandle<Vec<Read>>>,
    /// Files that have to be declared.
    fresh: Gathered<File>,
    /// The same, of requests that were too much for the server.
    halves: VecDeque<Vec<File>>,
    declaring: FuturesUnordered<Task<Said>>,
    /// Files that the server wants.
    wanted: VecDeque<Wanted>,
    sending: FuturesUnordered<Task<Tried>>,
    /// Files that were sent.
    arrived: Gathered<(Uuid, File)>,
    completing: FuturesUnordered<Task<Verdicts>>,
    /// Files that wait until they are tried again.
    waiting: FuturesUnordered<Task<Again>>,
    /// Files that the store refused.
    refused: u32,
    /// Until when nothing more is sent, because somebody has asked for that.
    paused: Option<Instant>,
    stopping: Option<Instant>,
}

impl<T> Gathered<T> {
    fn new() -> Self {
        Self { files: Vec::new(), since: None }
    }

    fn push(&mut self, file: T) {
        self.since.get_or_insert_with(Instant::now);
        self.files.push(file);
    }

    /// When they have waited for so long.
    fn due(&self, patience: Duration) -> Option<Instant> {
        self.since.map(|since| since + patience)
    }

    /// Takes the first so many.
    fn take(&mut self, most: usize) -> Vec<T> {
        let rest = self.files.split_off(most.min(self.files.len()));
        self.since = (!rest.is_empty()).then(Instant::now);
        std::mem::replace(&mut self.files, rest)
    }

    fn clear(&mut self) {
        self.files.clear();
        self.since = None;
    }
}

impl<'a> Pass<'a> {
    pub fn new(context: &'a Arc<Context>, cache: &'a mut Cache, reporter: &'a dyn Reporter) -> Self {
        Self {
            sent_before: context.sent.load(Ordering::Relaxed),
            context,
            cache,
            reporter,
            job: None,
            counts: Counts::default(),
            found: VecDeque::new(),
            reading: FuturesUnordered::new(),
            fresh: Gathered::new(),
            halves: VecDeque::new(),
            declaring: FuturesUnordered::new(),
            wanted: VecDeque::new(),
            sending: FuturesUnordered::new(),
            arrived: Gathered::new(),
            completing: FuturesUnordered::new(),
            waiting: FuturesUnordered::new(),
            refused: 0,
            paused: None,
            stopping: None,
        }
    }

    /// Sends what is there and the store does not have.
    pub async fn run(
        &mut self,
        walk: Walk,
        target: &Target,
        beginning: Beginning,
        stop: &Stop,
    ) -> Result<Ending, PushError> {
        self.context.reader.resume();
        if beginning == Beginning::AtOnce {
            tokio::select! {
                begun = self.begin(target) => begun?,
                () = stop.requested() => return Ok(Ending::Stopped),
            }
        }
        let (mut batches, walked) = finding::walk(walk);
        let mut walked = Some(walked);
        let mut ticks = interval(TOLD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            if self.job.is_none() && !self.fresh.files.is_empty() {
                self.begin(target).await?;
            }
            self.start();
            if self.is_over(walked.is_some()) {
                break;
            }
            self.step(&mut batches, &mut walked, &mut ticks, stop).await?;
        }
        if self.stopping.is_some() {
            return Ok(Ending::Stopped);
        }
        if let Some(job) = self.job {
            ask(self.context, || self.context.api.finish(job)).await?;
        }
        Ok(Ending::Finished)
    }

    /// Waits for the next thing to happen, and takes it in.
    async fn step(
        &mut self,
        batches: &mut mpsc::Receiver<Vec<ScanEvent>>,
        walked: &mut Option<finding::Walked>,
        ticks: &mut tokio::time::Interval,
        stop: &Stop,
    ) -> Result<(), PushError> {
        let next_due = self.next_due();
        let wants_more = walked.is_some() && self.found.len() < BATCH && self.fresh.files.len() < 2 * BATCH;
        tokio::select! {
            Some(tried) = self.sending.next() => self.tried(tried)?,
            Some(said) = self.declaring.next() => self.said(said)?,
            Some(verdicts) = self.completing.next() => self.settled(verdicts)?,
            Some(read) = self.reading.next() => self.read(read)?,
            batch = batches.recv(), if wants_more => match (batch, walked.take()) {
                (Some(batch), still) => {
                    *walked = still;
                    self.take(batch);
                }
                (None, Some(end)) => self.walked(end.await)?,
                (None, None) => {}
            },
            Some(again) = self.waiting.next() => match again {
                Again::Read(found) => self.found.push_back(found),
                Again::Declare(file) => self.fresh.push(file),
            },
            _ = ticks.tick() => self.tell_progress(),
            () = sleep_until(next_due.unwrap_or_else(Instant::now)), if next_due.is_some() => {}
            () = stop.requested(), if self.stopping.is_none() => {
                self.stop();
                batches.close();
                *walked = None;
            }
        }
        Ok(())
    }

    /// Begins the job, once.
    async fn begin(&mut self, target: &Target) -> Result<(), PushError> {
        let new =
            NewDirect { project_id: target.project_id, cycle_id: target.cycle_id, s3_prefix: target.prefix.as_deref() };
        let once = self.context.ids.next_id();
        let job = ask(self.context, || self.context.api.begin(&new, once)).await?;
        self.job = Some(job.job_id);
        self.reporter.tell(&Event::Started { job_id: job.job_id });
        Ok(())
    }

    /// Starts whatever may be started.
    fn start(&mut self) {
        if self.stopping.is_none() {
            self.start_reading();
            self.start_declaring();
            self.start_sending();
        }
        self.start_completing();
    }

    fn is_over(&self, is_walking: bool) -> bool {
        let is_completed = self.arrived.files.is_empty() && self.completing.is_empty();
        match self.stopping {
            Some(at) => (is_completed && self.sending.is_empty()) || at.elapsed() >= GRACE,
            None => {
                !is_walking && is_completed && !self.is_sending() && !self.is_declaring() && self.waiting.is_empty()
            }
        }
    }

    fn is_sending(&self) -> bool {
        !self.wanted.is_empty() || !self.sending.is_empty()
    }

    /// Whether there may be more to send without anything being tried again.
    fn is_declaring(&self) -> bool {
        !self.fresh.files.is_empty() || !self.halves.is_empty() || !self.declaring.is_empty() || self.is_reading()
    }

    fn is_reading(&self) -> bool {
        !self.found.is_empty() || !self.reading.is_empty()
    }

    /// When something may be started that waits for nothing but time.
    fn next_due(&self) -> Option<Instant> {
        let declaring = self.may_declare().then(|| self.fresh.due(GATHERING)).flatten();
        let completing = (self.completing.len() < REQUESTS).then(|| self.arrived.due(SETTLING)).flatten();
        let sending = self.paused.filter(|_| !self.wanted.is_empty());
        [declaring, sending, completing, self.stopping.map(|at| at + GRACE)].into_iter().flatten().min()
    }

    /// It is to stop: what is under way may end, and nothing else begins.
    fn stop(&mut self) {
        self.context.reader.stop();
        self.stopping = Some(Instant::now());
        self.found.clear();
        self.reading.clear();
        self.fresh.clear();
        self.halves.clear();
        self.declaring.clear();
        self.wanted.clear();
        self.waiting.clear();
    }

    /// Ends the pass: what is not finished is given up, as far as the server still listens.
    pub async fn end(mut self, outcome: Result<Ending, PushError>) -> Result<Passed, PushError> {
        self.tell_progress();
        if matches!(outcome, Ok(Ending::Finished)) {
            self.cache.end_pass();
        } else {
            self.cache.flush();
            self.context.reader.stop();
            if let Some(job) = self.job {
                // Otherwise it ends by itself when nothing has happened for long.
                drop(timeout(GRACE, self.context.api.cancel(job)).await);
            }
        }
        let ending = outcome?;
        Ok(Passed { job_id: self.job, counts: self.counts, is_stopped: ending == Ending::Stopped })
    }

    fn tell_progress(&mut self) {
        self.counts.bytes_uploaded = self.context.sent.load(Ordering::Relaxed).saturating_sub(self.sent_before);
        self.reporter.tell(&Event::Progress(self.counts));
    }

    fn tell_file(&self, path: &RelativePath, status: Outcome, size: u64, error: Option<&str>) {
        self.reporter.tell(&Event::File { path: Path(path), status, size, error });
    }

    /// A file is given up, and none of the others.
    fn fail(&mut self, mut file: File, error: &str) {
        file.count(self.context, 0);
        self.counts.files_failed += 1;
        self.tell_file(&file.path, Outcome::Failed, file.summed.identity.size, Some(error));
    }

    /// The store has a file already; perhaps from a try whose answer was lost.
    fn skip(&mut self, mut file: File) {
        file.count(self.context, 0);
        let size = file.summed.identity.size;
        self.counts.files_skipped += 1;
        self.counts.bytes_skipped += size;
        self.cache.note_stored(&file.path, file.summed.checksum);
        self.tell_file(&file.path, Outcome::Skipped, size, None);
    }
}

/// An error of the server that concerns a request for what it asks, and not for the files in it.
fn is_too_much(error: &ApiError) -> bool {
    matches!(error.status(), Some(413 | 422))
}
