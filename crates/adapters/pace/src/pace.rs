use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// What is under way at first.
const AT_FIRST: usize = 8;

/// A store that asks for patience is heard once in this time: the requests that were under way ask it together.
const ONE_WORD: Duration = Duration::from_millis(500);

/// Additive increase, multiplicative decrease (Chiu and Jain, 1989): the limit grows by one with each success until the
/// store first asks for patience, then by one with as many successes as it is, and halves each time the store asks.
#[derive(Debug, Clone)]
pub struct Pace(Arc<Shared>);

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
pub struct Turn(Arc<Shared>);

impl Pace {
    /// At most so much, and always something.
    #[must_use]
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
    #[must_use]
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
}
