use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tenantry_readings::ports::LiveReadings;
use tenantry_readings::{Chunk, ReadingId, Sequence};
use tokio::sync::watch;
use tokio::time::timeout;

/// How soon the store is asked again about a reading that is answered elsewhere, or not yet.
const ELSEWHERE: Duration = Duration::from_millis(200);

/// The same for one that is answered here, in case it is taken away.
const HERE: Duration = Duration::from_secs(5);

/// What is being answered by this process, and who waits for what.
#[derive(Default)]
pub struct LiveHub {
    readings: Mutex<HashMap<ReadingId, Arc<Live>>>,
}

/// A reading that somebody answers here, or waits for.
struct Live {
    /// What is stored of it.
    chunks: Mutex<Vec<Chunk>>,
    state: watch::Sender<State>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Somebody waits for it.
    Awaited,
    /// It is answered here, and stored up to this place.
    Answered(Sequence),
    /// Something has happened that the store tells.
    Over,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Live {
    fn new(state: State) -> Arc<Self> {
        Arc::new(Self { chunks: Mutex::default(), state: watch::Sender::new(state) })
    }

    /// Waits until `is_reached`, for a while.
    async fn reach(&self, is_reached: impl Fn(State) -> bool) {
        let mut state = self.state.subscribe();
        let patience = if matches!(*state.borrow(), State::Answered(_)) { HERE } else { ELSEWHERE };
        // Whoever waits looks again, whether something happened or not.
        drop(timeout(patience, state.wait_for(|state| is_reached(*state))).await);
    }
}

impl LiveHub {
    /// Nothing is being answered yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Somebody here begins to answer a reading.
    pub(crate) fn begin(&self, id: ReadingId) {
        let live = lock(&self.readings).entry(id).or_insert_with(|| Live::new(State::Awaited)).clone();
        live.state.send_replace(State::Answered(Sequence::ASKED));
    }

    /// These pieces are stored.
    pub(crate) fn publish(&self, id: ReadingId, chunks: &[Chunk]) {
        let live = lock(&self.readings).get(&id).cloned();
        if let (Some(live), Some(last)) = (live, chunks.last()) {
            lock(&live.chunks).extend_from_slice(chunks);
            live.state.send_replace(State::Answered(last.sequence));
        }
    }

    /// How many readings are known here: those that are answered, and those that somebody waits for.
    #[must_use]
    pub fn len(&self) -> usize {
        lock(&self.readings).len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn join(&self, id: ReadingId) -> Arc<Live> {
        lock(&self.readings).entry(id).or_insert_with(|| Live::new(State::Awaited)).clone()
    }

    /// Forgets a reading that nobody answers here and nobody else waits for.
    fn leave(&self, id: ReadingId, live: &Arc<Live>) {
        let mut readings = lock(&self.readings);
        if let Entry::Occupied(known) = readings.entry(id)
            && Arc::ptr_eq(known.get(), live)
            && *live.state.borrow() == State::Awaited
            && Arc::strong_count(live) == 2
        {
            known.remove();
        }
    }

    async fn wait(&self, id: ReadingId, is_reached: impl Fn(State) -> bool) {
        let guest = Guest { hub: self, id, live: self.join(id) };
        guest.live.reach(is_reached).await;
    }
}

/// Somebody who waits, and leaves however they are dropped.
struct Guest<'a> {
    hub: &'a LiveHub,
    id: ReadingId,
    live: Arc<Live>,
}

impl Drop for Guest<'_> {
    fn drop(&mut self) {
        self.hub.leave(self.id, &self.live);
    }
}

#[async_trait]
impl LiveReadings for LiveHub {
    fn recall(&self, id: ReadingId, after: Sequence) -> Option<Vec<Chunk>> {
        let live = lock(&self.readings).get(&id).cloned()?;
        if !matches!(*live.state.borrow(), State::Answered(_)) {
            return None;
        }
        let chunks = lock(&live.chunks);
        let first = chunks.partition_point(|chunk| chunk.sequence <= after);
        Some(chunks.iter().skip(first).cloned().collect())
    }

    async fn stirred(&self, id: ReadingId, after: Sequence) {
        let is_new = |state| match state {
            State::Awaited => false,
            State::Answered(last) => last > after,
            State::Over => true,
        };
        self.wait(id, is_new).await;
    }

    async fn ended(&self, id: ReadingId) {
        self.wait(id, |state| state == State::Over).await;
    }

    fn stir(&self, id: ReadingId) {
        if let Some(live) = lock(&self.readings).remove(&id) {
            live.state.send_replace(State::Over);
        }
    }
}
