use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::BoxFuture;
use tenantry_sync::objects::{ObjectError, ObjectStore};

use super::faults::{Around, AroundStore, Call, Operation};

/// A call that is about to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// What is asked.
    pub operation: Operation,
    /// The key, as of [`Call`].
    pub key: String,
    /// The number of a part; 0 without one.
    pub part: u32,
}

type Hook = dyn Fn(Seen) -> BoxFuture<'static, ()> + Send + Sync;

/// A store that waits for something before each call, and counts what is sent.
pub type HookedStore = AroundStore<Hooks>;

/// What is done before each call, and what was sent.
pub struct Hooks {
    hook: Box<Hook>,
    held: AtomicU64,
    most_held: AtomicU64,
    sent: Mutex<BTreeMap<(String, u32), u64>>,
}

impl HookedStore {
    /// Awaits `hook` before each call.
    pub fn new(
        store: Arc<dyn ObjectStore>,
        hook: impl Fn(Seen) -> BoxFuture<'static, ()> + Send + Sync + 'static,
    ) -> Arc<Self> {
        let (held, most_held, sent) = (AtomicU64::new(0), AtomicU64::new(0), Mutex::default());
        Arc::new(Self::surround(store, Hooks { hook: Box::new(hook), held, most_held, sent }))
    }

    /// A store that only counts.
    pub fn counting(store: Arc<dyn ObjectStore>) -> Arc<Self> {
        Self::new(store, |_| Box::pin(std::future::ready(())))
    }

    /// A store that never answers.
    pub fn silent(store: Arc<dyn ObjectStore>) -> Arc<Self> {
        Self::new(store, |_| Box::pin(std::future::pending()))
    }

    /// The most bytes that were under way at once.
    pub fn most_held(&self) -> u64 {
        self.around.most_held.load(Ordering::Relaxed)
    }

    /// How often each object (part 0) or part was sent.
    pub fn sent(&self) -> BTreeMap<(String, u32), u64> {
        self.around.sent.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Around for Hooks {
    async fn around<T: Send>(
        &self,
        call: Call<'_>,
        answer: impl Future<Output = Result<T, ObjectError>> + Send,
    ) -> Result<T, ObjectError> {
        let is_sent = matches!(call.operation, Operation::Put | Operation::UploadPart);
        let _held = is_sent.then(|| self.hold(call));
        (self.hook)(Seen { operation: call.operation, key: call.key.to_owned(), part: call.part }).await;
        answer.await
    }
}

impl Hooks {
    /// Counts a body as long as the answer lives.
    fn hold(&self, call: Call<'_>) -> Held<'_> {
        let bytes = u64::try_from(call.bytes).unwrap_or(u64::MAX);
        let now = self.held.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        self.most_held.fetch_max(now, Ordering::Relaxed);
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        *sent.entry((call.key.to_owned(), call.part)).or_default() += 1;
        Held { held: &self.held, bytes }
    }
}

struct Held<'a> {
    held: &'a AtomicU64,
    bytes: u64,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.held.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}
