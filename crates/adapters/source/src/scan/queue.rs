use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

/// The most things that are put aside half done, each of which holds a handle.
const MAX_ASIDE: usize = 32;

/// What is yet to be done, shared between threads: the last first, so that a tree is walked down before it is walked
/// along, and little of it waits here.
#[derive(Debug)]
pub(super) struct Queue<N, A> {
    state: Mutex<State<N, A>>,
    changed: Condvar,
    is_stopped: AtomicBool,
}

#[derive(Debug)]
struct State<N, A> {
    waiting: Vec<Work<N, A>>,
    /// How many of these were put aside.
    aside: usize,
    /// How many are being done, and may bring more.
    busy: usize,
    /// How many threads wait. Waking nobody is not free either.
    sleeping: usize,
}

/// Something to do.
#[derive(Debug)]
pub(super) enum Work<N, A> {
    /// Not yet begun.
    New(N),
    /// Begun, and put aside.
    Aside(A),
}

impl<N, A> Queue<N, A> {
    pub fn new(first: A) -> Self {
        let state = State { waiting: vec![Work::Aside(first)], aside: 1, busy: 0, sleeping: 0 };
        Self { state: Mutex::new(state), changed: Condvar::new(), is_stopped: AtomicBool::new(false) }
    }

    /// Waits for something to do; none once all is done, or all is to stop.
    pub fn take(&self) -> Option<(Work<N, A>, Busy<'_, N, A>)> {
        let mut state = self.lock();
        loop {
            if self.is_stopped() {
                return None;
            }
            if let Some(work) = state.waiting.pop() {
                state.busy += 1;
                state.aside -= usize::from(matches!(work, Work::Aside(_)));
                return Some((work, Busy(self)));
            }
            if state.busy == 0 {
                return None;
            }
            state.sleeping += 1;
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.sleeping -= 1;
        }
    }

    pub fn push(&self, new: &mut Vec<N>) {
        if !new.is_empty() {
            let mut state = self.lock();
            state.waiting.extend(new.drain(..).map(Work::New));
            self.wake(&state);
        }
    }

    /// Puts something aside until what is new has been done; gives it back if too much lies there already.
    pub fn put_aside(&self, begun: A, new: &mut Vec<N>) -> Option<A> {
        let mut state = self.lock();
        if state.aside >= MAX_ASIDE {
            drop(state);
            self.push(new);
            return Some(begun);
        }
        state.aside += 1;
        state.waiting.push(Work::Aside(begun));
        state.waiting.extend(new.drain(..).map(Work::New));
        self.wake(&state);
        None
    }

    /// Lets no thread begin anything any more.
    pub fn stop(&self) {
        // Under the lock, so that nobody who has just looked begins to wait.
        let _state = self.lock();
        self.is_stopped.store(true, Ordering::Relaxed);
        self.changed.notify_all();
    }

    pub fn is_stopped(&self) -> bool {
        self.is_stopped.load(Ordering::Relaxed)
    }

    fn wake(&self, state: &State<N, A>) {
        if state.sleeping > 0 {
            self.changed.notify_all();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<N, A>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Held while something is done. A thread that panics stops the others, which would wait for it for ever.
#[derive(Debug)]
pub(super) struct Busy<'a, N, A>(&'a Queue<N, A>);

impl<N, A> Drop for Busy<'_, N, A> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.stop();
        }
        let mut state = self.0.lock();
        state.busy -= 1;
        if state.busy == 0 && state.waiting.is_empty() {
            self.0.wake(&state);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

    use super::*;

    #[test]
    fn the_last_comes_first_and_what_was_put_aside_after_what_is_new() {
        let queue = Queue::new('a');
        let (work, busy) = queue.take().unwrap();
        assert!(matches!(work, Work::Aside('a')));
        assert!(queue.put_aside('b', &mut vec![1, 2]).is_none());
        drop(busy);
        let taken: Vec<_> = std::iter::from_fn(|| queue.take().map(|(work, _)| format!("{work:?}"))).collect();
        assert_eq!(taken, ["New(2)", "New(1)", "Aside('b')"]);
    }

    #[test]
    fn only_so_much_is_put_aside() {
        let queue = Queue::new(0);
        for number in 1..MAX_ASIDE {
            assert_eq!(queue.put_aside(number, &mut vec![()]), None);
        }
        let mut new = vec![()];
        assert_eq!(queue.put_aside(99, &mut new), Some(99));
        assert!(new.is_empty());
    }

    #[test]
    fn a_panic_stops_all() {
        let queue = Queue::<(), _>::new(());
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let _taken = queue.take();
            resume_unwind(Box::new(()))
        }));
        assert!(panicked.is_err_and(|_| queue.is_stopped() && queue.take().is_none()));
    }
}
