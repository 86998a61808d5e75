//! How much is under way at once: as much as the store takes, up to a limit.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until};

/// What is under way at first.
const AT_FIRST: usize = 8;

/// A store that asks for patience is heard once in this time: the requests that were under way ask it together.
const ONE_WORD: Duration = Duration::from_millis(500);

/// Additive increase, multiplicative decrease (Chiu and Jain, 1989): the limit grows by one with each success until the
/// store first asks for patience, then by one with as many successes as it is, and halves each time the store asks.
#[derive(Debug, Clone)]
pub(super) struct Pace(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    room: Notify,
    most: usize,
}

#[derive(Debug)]
struct State {
    under_way: usize,
    limit: usize,
    successes: usize,
    has_been_slowed: bool,
    slowed_at: Option<Instant>,
}

/// The right to have one thing under way.
#[derive(Debug)]
pub(super) struct Turn(Arc<Shared>);

impl Pace {
    pub fn new(most: usize) -> Self {
        let most = most.max(1);
        let state =
            State { under_way: 0, limit: most.min(AT_FIRST), successes: 0, has_been_slowed: false, slowed_at: None };
        Self(Arc::new(Shared { state: Mutex::new(state), room: Notify::new(), most }))
    }

    /// Waits until one more thing may be under way.
    pub async fn turn(&self) -> Turn {
        loop {
            let room = self.0.room.notified();
            {
                let mut state = self.0.lock();
                if state.under_way < state.limit {
                    state.under_way += 1;
                    return Turn(Arc::clone(&self.0));
                }
            }
            room.await;
        }
    }

    /// One more thing, if it may be under way at once.
    pub fn try_turn(&self) -> Option<Turn> {
        let mut state = self.0.lock();
        (state.under_way < state.limit).then(|| {
            state.under_way += 1;
            Turn(Arc::clone(&self.0))
        })
    }

    /// Something went well.
    pub fn succeeded(&self) {
        let mut state = self.0.lock();
        state.successes += 1;
        if state.limit < self.0.most && (!state.has_been_slowed || state.successes >= state.limit) {
            state.limit += 1;
            state.successes = 0;
            self.0.room.notify_one();
        }
    }

    /// The store asks for patience.
    pub fn slow_down(&self) {
        let mut state = self.0.lock();
        if state.slowed_at.is_some_and(|at| at.elapsed() < ONE_WORD) {
            return;
        }
        state.slowed_at = Some(Instant::now());
        state.has_been_slowed = true;
        state.limit = (state.limit / 2).max(1);
        state.successes = 0;
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.lock().under_way -= 1;
        self.0.room.notify_one();
    }
}

/// What all runs of a process share: memory for the bytes of files, and the line.
#[derive(Debug, Clone)]
pub(super) struct Budget {
    memory: Arc<Semaphore>,
    kibibytes: u32,
    line: Option<Arc<Line>>,
}

/// Bytes of files in memory.
pub(super) type Held = OwnedSemaphorePermit;

impl Budget {
    pub fn new(memory_bytes: u64, bytes_per_second: Option<u64>) -> Self {
        let kibibytes = u32::try_from(memory_bytes >> 10).unwrap_or(u32::MAX >> 4).max(1);
        let permits = usize::try_from(kibibytes).unwrap_or(Semaphore::MAX_PERMITS);
        let line = bytes_per_second.filter(|rate| *rate > 0).map(|rate| Arc::new(Line::new(rate)));
        Self { memory: Arc::new(Semaphore::new(permits)), kibibytes, line }
    }

    /// Waits until so many bytes may be in memory.
    pub async fn memory(&self, bytes: u64) -> Option<Held> {
        // What is more than all of it gets all of it.
        let wanted = u32::try_from(bytes.div_ceil(1 << 10)).unwrap_or(u32::MAX).clamp(1, self.kibibytes);
        self.memory.clone().acquire_many_owned(wanted).await.ok()
    }

    /// Waits until so many bytes may be sent.
    pub async fn line(&self, bytes: u64) {
        if let Some(line) = &self.line {
            line.take(bytes).await;
        }
    }
}

/// A line that takes so many bytes a second.
#[derive(Debug)]
struct Line {
    bytes_per_second: u64,
    free_at: Mutex<Instant>,
}

impl Line {
    fn new(bytes_per_second: u64) -> Self {
        Self { bytes_per_second, free_at: Mutex::new(Instant::now()) }
    }

    async fn take(&self, bytes: u64) {
        let nanoseconds = u128::from(bytes) * 1_000_000_000 / u128::from(self.bytes_per_second);
        let cost = Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX));
        let turn = {
            let mut free_at = self.free_at.lock().unwrap_or_else(PoisonError::into_inner);
            let turn = (*free_at).max(Instant::now());
            *free_at = turn + cost;
            turn
        };
        sleep_until(turn).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(pace: &Pace) -> usize {
        pace.0.lock().limit
    }

    #[tokio::test(start_paused = true)]
    async fn u8_it_grows_until_the_store_asks_for_patience() {
        let pace = Pace::new(32);
        assert_eq!(limit(&pace), 8);
        for _ in 0..100 {
            pace.succeeded();
        }
        assert_eq!(limit(&pace), 32);
        pace.slow_down();
        pace.slow_down();
        assert_eq!(limit(&pace), 16, "requests that were under way together are one word");
        tokio::time::advance(ONE_WORD).await;
        pace.slow_down();
        assert_eq!(limit(&pace), 8);
        for _ in 0..8 {
            pace.succeeded();
        }
        assert_eq!(limit(&pace), 9, "from then on it grows slowly");
    }

    #[tokio::test(start_paused = true)]
    async fn u8_no_more_is_under_way_than_the_limit() {
        let pace = Pace::new(2);
        let (first, _second) = (pace.turn().await, pace.turn().await);
        let third = tokio::spawn({
            let pace = pace.clone();
            async move { pace.turn().await }
        });
        tokio::task::yield_now().await;
        assert!(!third.is_finished());
        drop(first);
        third.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn u8_the_line_takes_so_many_bytes_a_second() {
        let budget = Budget::new(1 << 20, Some(1_000));
        let start = Instant::now();
        for _ in 0..11 {
            budget.line(1_000).await;
        }
        assert_eq!(start.elapsed().as_secs(), 10);
    }

    #[tokio::test]
    async fn u8_memory_is_bounded() {
        let budget = Budget::new(10 << 10, None);
        let all = budget.memory(1 << 30).await.unwrap();
        assert_eq!(budget.memory.available_permits(), 0);
        drop(all);
        let _some = budget.memory(1).await.unwrap();
        assert_eq!(budget.memory.available_permits(), 9);
    }
}
