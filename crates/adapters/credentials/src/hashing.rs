use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tenantry_identity::ports::HashingError;
use thread_priority::{ThreadPriority, ThreadPriorityValue};
use tokio::sync::oneshot;

/// Taken as the time of one hash until some were measured.
const ASSUMED_DURATION: Duration = Duration::from_millis(250);

/// The latest durations that are remembered: enough that pretended ones scatter as real ones do.
const REMEMBERED_DURATIONS: usize = 32;

/// How large the pool is.
#[derive(Debug, Clone, Copy)]
pub struct HashingOptions {
    /// Hashes at a time; as many as there are cores uses the whole machine when it is idle.
    pub threads: NonZeroUsize,
    /// Hashes that may wait for a thread; one more is refused.
    pub queue_length: NonZeroUsize,
}

impl HashingOptions {
    /// A thread for each core, and `queue_length` waiting hashes.
    #[must_use]
    pub fn for_this_machine(queue_length: NonZeroUsize) -> Self {
        Self { threads: thread::available_parallelism().unwrap_or(NonZeroUsize::MIN), queue_length }
    }
}

/// What the pool is doing, for the metrics.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HashingGauges {
    /// Hashes that wait for a thread.
    pub queued: usize,
    /// Hashes being computed.
    pub running: usize,
    /// Hashes computed since the start.
    pub completed: u64,
    /// Hashes refused since the start because the queue was full.
    pub refused: u64,
    /// Seconds that one hash takes lately, on average.
    pub mean_seconds: f64,
}

/// Threads of their own for password hashing, behind a bounded queue.
///
/// A hash takes a core for a quarter of a second. The threads run at a lower priority than the ones that serve
/// requests, so logins use what the others leave, and the queue keeps a burst of them from piling up.
/// Dropping the pool ends the threads after the hash each is at; hashes still queued answer
/// [`HashingError::Failed`].
pub struct HashingPool {
    shared: Arc<Shared>,
}

struct Shared {
    options: HashingOptions,
    state: Mutex<State>,
    work_arrived: Condvar,
}

struct State {
    queue: VecDeque<Box<dyn Work>>,
    closed: bool,
    running: usize,
    completed: u64,
    refused: u64,
    mean: Option<Duration>,
    /// How long the latest hashes took, the newest last.
    latest: VecDeque<Duration>,
    /// Which of them is pretended next.
    pretended: usize,
}

trait Work: Send {
    /// Whether nobody waits for the answer any more.
    fn is_abandoned(&self) -> bool;
    fn compute(&mut self);
    fn answer(self: Box<Self>);
}

struct Job<T, F> {
    compute: Option<F>,
    result: Option<T>,
    answer: oneshot::Sender<T>,
}

impl<T: Send, F: FnOnce() -> T + Send> Job<T, F> {
    fn new(compute: F, answer: oneshot::Sender<T>) -> Self {
        Self { compute: Some(compute), result: None, answer }
    }
}

impl<T: Send, F: FnOnce() -> T + Send> Work for Job<T, F> {
    fn is_abandoned(&self) -> bool {
        self.answer.is_closed()
    }

    fn compute(&mut self) {
        self.result = self.compute.take().map(|compute| compute());
    }

    fn answer(self: Box<Self>) {
        if let Some(result) = self.result {
            // A caller that went away in the meantime is no error.
            let _ = self.answer.send(result);
        }
    }
}

impl HashingPool {
    /// Starts the threads.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn start(options: HashingOptions) -> std::io::Result<Self> {
        let state = State {
            queue: VecDeque::with_capacity(options.queue_length.get()),
            closed: false,
            running: 0,
            completed: 0,
            refused: 0,
            mean: None,
            latest: VecDeque::with_capacity(REMEMBERED_DURATIONS),
            pretended: 0,
        };
        let pool =
            Self { shared: Arc::new(Shared { options, state: Mutex::new(state), work_arrived: Condvar::new() }) };
        for number in 0..options.threads.get() {
            let shared = Arc::clone(&pool.shared);
            thread::Builder::new().name(format!("hashing-{number}")).spawn(move || {
                lower_priority();
                shared.work();
            })?;
        }
        Ok(pool)
    }

    /// Runs `compute` on one of the threads. Dropping the future while the work is still queued takes it back.
    ///
    /// # Errors
    /// [`HashingError::Busy`] when the queue is full, [`HashingError::Failed`] when `compute` panicked or the pool was
    /// dropped.
    pub async fn run<T: Send + 'static>(
        &self,
        compute: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, HashingError> {
        let (answer, answered) = oneshot::channel();
        self.shared.enqueue(Box::new(Job::new(compute, answer)))?;
        answered.await.or(Err(HashingError::Failed))
    }

    /// Whether there is room for another hash now.
    ///
    /// # Errors
    /// [`HashingError::Busy`] when the queue is full.
    pub fn check_room(&self) -> Result<(), HashingError> {
        self.shared.check_room(&mut self.shared.lock())
    }

    /// Takes as long as a hash would that is enqueued now: the wait for a thread, and as long as a recent one took. It
    /// takes no place in the queue, so that a flood of pretended ones delays nobody.
    pub async fn pretend(&self) {
        let duration = self.shared.pretended_duration();
        tokio::time::sleep(duration).await;
    }

    /// What the pool is doing now.
    #[must_use]
    pub fn gauges(&self) -> HashingGauges {
        let state = self.shared.lock();
        HashingGauges {
            queued: state.queue.len(),
            running: state.running,
            completed: state.completed,
            refused: state.refused,
            mean_seconds: state.mean.unwrap_or_default().as_secs_f64(),
        }
    }
}

impl Drop for HashingPool {
    fn drop(&mut self) {
        self.shared.close();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while holding the lock, and the counters would still be usable.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.queue.clear();
        self.work_arrived.notify_all();
    }

    fn enqueue(&self, work: Box<dyn Work>) -> Result<(), HashingError> {
        let mut state = self.lock();
        self.check_room(&mut state)?;
        state.queue.push_back(work);
        self.work_arrived.notify_one();
        Ok(())
    }

    fn check_room(&self, state: &mut State) -> Result<(), HashingError> {
        if state.queue.len() >= self.options.queue_length.get() {
            state.queue.retain(|queued| !queued.is_abandoned());
        }
        if state.queue.len() >= self.options.queue_length.get() {
            state.refused += 1;
            return Err(HashingError::Busy { retry_after_seconds: self.seconds_to_empty(state) });
        }
        Ok(())
    }

    /// How long a hash would take that is enqueued now. Each thread is half through its hash on average; the recent
    /// durations are taken in turn.
    fn pretended_duration(&self) -> Duration {
        let mut state = self.lock();
        state.pretended = state.pretended.wrapping_add(1);
        let index = state.pretended % state.latest.len().max(1);
        let duration = state.latest.get(index).copied().or(state.mean).unwrap_or(ASSUMED_DURATION);
        let threads = u32::try_from(self.options.threads.get()).unwrap_or(u32::MAX);
        if state.running < self.options.threads.get() {
            return duration;
        }
        let before = u32::try_from(state.queue.len()).unwrap_or(u32::MAX);
        let mean = state.mean.unwrap_or(ASSUMED_DURATION);
        duration + mean.saturating_mul(before) / threads + mean / 2
    }

    /// How long the queue takes to empty, in whole seconds, at least one.
    fn seconds_to_empty(&self, state: &State) -> u64 {
        let rounds = state.queue.len().div_ceil(self.options.threads.get());
        let mean = state.mean.unwrap_or(ASSUMED_DURATION);
        let time = mean.saturating_mul(u32::try_from(rounds).unwrap_or(u32::MAX));
        (time.as_secs() + u64::from(time.subsec_nanos() > 0)).max(1)
    }

    fn work(&self) {
        while let Some(mut work) = self.next() {
            let start = Instant::now();
            // A panic is reported by its hook. Here it must not cost a thread; the answer stays out.
            let finished = catch_unwind(AssertUnwindSafe(|| work.compute())).is_ok();
            self.record(finished.then(|| start.elapsed()));
            work.answer();
        }
    }

    /// The next piece of work that someone waits for; `None` once the pool is closed.
    fn next(&self) -> Option<Box<dyn Work>> {
        let mut state = self.lock();
        loop {
            if state.closed {
                return None;
            }
            match state.queue.pop_front() {
                Some(work) if work.is_abandoned() => {}
                Some(work) => {
                    state.running += 1;
                    return Some(work);
                }
                None => state = self.work_arrived.wait(state).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    fn record(&self, duration: Option<Duration>) {
        let mut state = self.lock();
        state.running -= 1;
        if let Some(latest) = duration {
            state.completed += 1;
            // Half of the weight is on the last five or so.
            state.mean = Some(state.mean.map_or(latest, |mean| (mean * 7 + latest) / 8));
            if state.latest.len() == REMEMBERED_DURATIONS {
                state.latest.pop_front();
            }
            state.latest.push_back(latest);
        }
    }
}

/// Makes the current thread give way to the ones that serve requests: niceness 10 on Linux, a tenth of their share of
/// a busy core, so that on a saturated machine people still get in.
fn lower_priority() {
    let lowered = ThreadPriorityValue::try_from(22).map(|value| ThreadPriority::Crossplatform(value).set_for_current());
    match lowered {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(?error, "the hashing threads run at normal priority"),
        Err(error) => tracing::warn!(error, "the hashing threads run at normal priority"),
    }
}

#[cfg(test)]
mod tests;
