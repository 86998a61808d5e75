use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tenantry_kernel::{Clock, IdGenerator, JobLease, StorageError};
use tenantry_readings::ports::LiveReadings as _;
use tenantry_readings::{
    AnswerEvent, Chunk, Commission, Desk, Draft, Failure, Piece, ProviderError, Providers, ReadingId, ReadingStatus,
};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use crate::asking::{Asking, NextEvent, Opened, next_of};
use crate::scribe::Scribe;
use crate::writing::{Writing, write_down};
use crate::{GenerationOptions, LiveHub};

/// The first wait for the database when the end of a reading can't be stored, and how often it is tried.
const STORE_WAIT: Duration = Duration::from_millis(250);
const STORE_TRIES: u32 = 8;

/// How soon pieces that could not be stored are tried again.
const WRITE_AGAIN: Duration = Duration::from_millis(500);

/// What a generator is told from outside while it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopSignal {
    /// The process has to stop soon.
    Drain,
    /// Somebody has cancelled the work.
    Cancel,
}

/// Answers readings, each in a call of its own, any number at the same time.
pub struct Generator {
    desk: Arc<Desk>,
    providers: Arc<dyn Providers>,
    hub: Arc<LiveHub>,
    scribe: Arc<Scribe>,
    asking: Asking,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdGenerator>,
    options: GenerationOptions,
    under_way: Mutex<HashMap<ReadingId, watch::Sender<bool>>>,
}

/// Pieces that are being written down.
type Write<'a> = Pin<Box<dyn Future<Output = Result<bool, StorageError>> + Send + 'a>>;

/// How an answer came to its end.
type End = (ReadingStatus, Option<Failure>);

/// Why nothing more is done for a reading: it is no longer this worker's.
struct Lost;

impl Generator {
    /// A generator over these ports.
    #[must_use]
    pub fn new(
        desk: Arc<Desk>,
        providers: Arc<dyn Providers>,
        hub: Arc<LiveHub>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdGenerator>,
        options: GenerationOptions,
    ) -> Self {
        let (scribe, asking) = (Scribe::new(desk.clone()), Asking::new(&options));
        Self { desk, providers, hub, scribe, asking, clock, ids, options, under_way: Mutex::default() }
    }

    /// Answers a reading to its end, whatever that is: its failures are the reading's, and the job is done with it.
    ///
    /// Dropped before that, it leaves a reading that another worker ends as interrupted.
    ///
    /// # Errors
    /// [`StorageError`] when the store fails for longer than one can wait.
    pub async fn answer(
        &self,
        lease: JobLease,
        id: ReadingId,
        told: impl Future<Output = StopSignal> + Send,
    ) -> Result<(), StorageError> {
        let taken = self.desk.take(lease, id).await;
        let Some(commission) = taken? else {
            self.hub.stir(id);
            return Ok(());
        };
        let (shown, flag) = Shown::begin(self, id);
        let mut work =
            Work { generator: self, commission: &commission, draft: Draft::new(), writing: Writing::default() };
        let stop = self.stopped(flag, told);
        let Ok(end) = work.generate(stop).await else { return Ok(()) };
        let Work { mut draft, mut writing, .. } = work;
        let unwritten = writing.place(&mut draft);
        let ended = self.end(lease, &commission, &draft, end, unwritten).await;
        drop(shown);
        ended
    }

    /// Looks after the readings under way, and those that nobody ends, until `stopping`: which are to stop, and which are
    /// overdue.
    pub async fn watch(&self, mut stopping: watch::Receiver<bool>) {
        let mut looked_for_overdue = Instant::now();
        loop {
            tokio::select! {
                _ = stopping.wait_for(|stop| *stop) => return,
                () = sleep(self.options.stop_interval) => {}
            }
            self.stop_who_should().await;
            if looked_for_overdue.elapsed() >= self.options.overdue / 4 {
                looked_for_overdue = Instant::now();
                if let Err(error) = self.desk.end_overdue(self.options.overdue).await {
                    tracing::warn!(?error, "overdue readings could not be ended");
                }
            }
        }
    }

    async fn stop_who_should(&self) {
        let ids: Vec<ReadingId> = self.under_way().keys().copied().collect();
        if ids.is_empty() {
            return;
        }
        match self.desk.to_stop(&ids).await {
            Ok(to_stop) => {
                let under_way = self.under_way();
                for flag in to_stop.iter().filter_map(|id| under_way.get(id)) {
                    flag.send_replace(true);
                }
            }
            Err(error) => tracing::warn!(?error, "nobody knows which readings are to stop"),
        }
    }

    fn under_way(&self) -> MutexGuard<'_, HashMap<ReadingId, watch::Sender<bool>>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Completes when the reading is to end before its answer does.
    async fn stopped(&self, mut flag: watch::Receiver<bool>, told: impl Future<Output = StopSignal>) -> End {
        let told = async {
            match told.await {
                StopSignal::Drain => {
                    sleep(self.options.drain).await;
                    (ReadingStatus::Failed, Some(Failure::Interrupted))
                }
                StopSignal::Cancel => (ReadingStatus::Cancelled, None),
            }
        };
        tokio::select! {
            end = told => end,
            _ = flag.wait_for(|stop| *stop) => (ReadingStatus::Cancelled, None),
        }
    }

    /// Stores the end, again and again if the store is away for a moment.
    async fn end(
        &self,
        lease: JobLease,
        commission: &Commission,
        draft: &Draft,
        end: End,
        unwritten: Vec<Chunk>,
    ) -> Result<(), StorageError> {
        let mut tries = 0;
        loop {
            match self.desk.end(lease, commission, draft, end, unwritten.clone()).await {
                Ok(true) => return Ok(()),
                Ok(false) => {
                    tracing::warn!(reading_id = %commission.reading.id, "a reading was taken away while it was answered");
                    return Ok(());
                }
                Err(error) if tries == STORE_TRIES => return Err(error),
                Err(error) => tracing::warn!(?error, "the end of a reading could not be stored"),
            }
            sleep(STORE_WAIT * 2_u32.pow(tries)).await;
            tries += 1;
        }
    }

    /// How long an answer may take.
    pub(crate) fn time_limit(&self) -> Duration {
        self.options.total
    }

    fn time_left(&self, commission: &Commission) -> Duration {
        let left = commission.reading.deadline - self.clock.now();
        left.to_std().unwrap_or_default().min(self.options.total)
    }
}

/// Shows that a reading is answered here, for as long as it is.
struct Shown<'a> {
    generator: &'a Generator,
    id: ReadingId,
}

impl<'a> Shown<'a> {
    fn begin(generator: &'a Generator, id: ReadingId) -> (Self, watch::Receiver<bool>) {
        let (flag, stop) = watch::channel(false);
        generator.under_way().insert(id, flag);
        generator.hub.begin(id);
        (Self { generator, id }, stop)
    }
}

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        self.generator.under_way().remove(&self.id);
        self.generator.hub.stir(self.id);
    }
}

/// One answer under way.
struct Work<'a> {
    generator: &'a Generator,
    commission: &'a Commission,
    draft: Draft,
    writing: Writing,
}

impl Work<'_> {
    /// Asks, and takes down what comes, until the answer ends or has to.
    async fn generate(&mut self, stop: impl Future<Output = End> + Send) -> Result<End, Lost> {
        tokio::pin!(stop);
        let Generator { asking, providers, options, ids, .. } = self.generator;
        let deadline = Instant::now() + self.generator.time_left(self.commission);
        let opened = tokio::select! {
            end = &mut stop => return Ok(end),
            opened = asking.open(&**providers, self.commission, options, &**ids, (&mut self.draft, deadline)) => opened,
        };
        match opened {
            Ok(opened) => self.take_down(opened, stop, deadline).await,
            Err(error) => Ok(failed(&error)),
        }
    }

    async fn take_down(
        &mut self,
        opened: Opened,
        mut stop: impl Future<Output = End> + Send + Unpin,
        deadline: Instant,
    ) -> Result<End, Lost> {
        let (generator, commission) = (self.generator, self.commission);
        let options = &generator.options;
        let Some(first) = opened.first else { return Ok(self.complete()) };
        if let Some(end) = self.take(first) {
            return Ok(end);
        }
        let mut next: NextEvent = next_of(opened.answer);
        let mut write: Option<Write<'_>> = None;
        let mut quiet_until = Instant::now() + options.idle;
        let end = loop {
            let due = if write.is_some() { None } else { self.writing.due() };
            tokio::select! {
                biased;
                end = &mut stop => break end,
                written = pending_or(write.as_mut()), if write.is_some() => {
                    write = None;
                    self.learn(written)?;
                }
                // While pieces are being stored, the provider is listened to all the same.
                () = sleep_until(due.unwrap_or(quiet_until)), if due.is_some() => {
                    let chunks = self.writing.place(&mut self.draft);
                    write = Some(Box::pin(write_down(&generator.scribe, &generator.hub, commission, chunks)));
                }
                (answer, event) = &mut next => {
                    if let Some(end) = self.take_next(event) {
                        break end;
                    }
                    quiet_until = Instant::now() + options.idle;
                    next = next_of(answer);
                }
                () = sleep_until(quiet_until.min(deadline)) => break self.break_off(&ProviderError::TimedOut),
            }
        };
        if let Some(write) = write {
            self.learn(write.await)?;
        }
        Ok(end)
    }

    /// Pieces were stored, or not; or the reading is no longer the worker's.
    fn learn(&mut self, written: Result<bool, StorageError>) -> Result<(), Lost> {
        match written {
            Ok(true) => self.writing.stored(Ok(self.generator.options.collect)),
            Ok(false) => return Err(Lost),
            Err(error) => {
                tracing::warn!(?error, "pieces of an answer could not be stored");
                self.writing.stored(Err(WRITE_AGAIN));
            }
        }
        Ok(())
    }

    fn take_next(&mut self, event: Result<Option<AnswerEvent>, ProviderError>) -> Option<End> {
        match event {
            Ok(Some(event)) => self.take(event),
            Ok(None) => Some(self.complete()),
            Err(error) => Some(self.break_off(&error)),
        }
    }

    /// Takes what a provider says; answers the end if it says too much.
    fn take(&mut self, event: AnswerEvent) -> Option<End> {
        match event {
            AnswerEvent::Text(text) if text.is_empty() => {}
            AnswerEvent::Text(text) => self.writing.take(Piece::Text(text)),
            AnswerEvent::Citation(citation) => self.writing.take(Piece::Citation(citation)),
            AnswerEvent::Usage(usage) => self.draft.bill(usage),
        }
        let bytes = self.draft.len().saturating_add(self.writing.loose_bytes());
        (bytes > self.generator.options.max_answer_bytes).then(|| self.break_off(&ProviderError::Malformed))
    }

    fn complete(&self) -> End {
        self.report(true);
        (ReadingStatus::Completed, None)
    }

    fn break_off(&self, error: &ProviderError) -> End {
        // That an answer is long says nothing about the model.
        self.report(*error == ProviderError::CutShort);
        tracing::warn!(reading_id = %self.commission.reading.id, %error, "an answer broke off");
        failed(error)
    }

    fn report(&self, is_well: bool) {
        if let Some(route) = self.draft.route() {
            self.generator.asking.report(route, is_well);
        }
    }
}

/// What is being written, or nothing ever.
async fn pending_or(write: Option<&mut Write<'_>>) -> Result<bool, StorageError> {
    match write {
        Some(write) => write.await,
        None => std::future::pending().await,
    }
}

fn failed(error: &ProviderError) -> End {
    match error {
        ProviderError::CutShort => (ReadingStatus::Completed, Some(Failure::CutShort)),
        ProviderError::TimedOut => (ReadingStatus::Failed, Some(Failure::Timeout)),
        _ => (ReadingStatus::Failed, Some(Failure::Provider)),
    }
}
