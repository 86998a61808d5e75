use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tenantry_sync::objects::{
    Appended, AppendingStore, Crc64, ObjectError, ObjectKey, ObjectStore, OpenUpload, PartLimits, Place,
    PresignedRequest, PutCondition, StoredObject, StoredPart, UploadId,
};

/// What is asked of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names of the port's methods")]
pub enum Operation {
    Put,
    Head,
    List,
    Delete,
    CreateUpload,
    UploadPart,
    ListParts,
    CompleteUpload,
    AbortUpload,
    ListUploads,
    Presign,
    Append,
    Appended,
    CompleteAppended,
}

/// A call of a store.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// What is asked.
    pub operation: Operation,
    /// The key, or the prefix of keys; the first of keys to be deleted.
    pub key: &'a str,
    /// The number of a part; 0 without one.
    pub part: u32,
    /// How many bytes are sent along.
    pub bytes: usize,
}

/// What comes around each call of a store.
pub trait Around: Send + Sync {
    /// Does the call by awaiting `answer`, sooner or later, or not at all.
    fn around<T: Send>(
        &self,
        call: Call<'_>,
        answer: impl Future<Output = Result<T, ObjectError>> + Send,
    ) -> impl Future<Output = Result<T, ObjectError>> + Send;
}

/// A store whose calls something comes around.
pub struct AroundStore<A> {
    store: Arc<dyn ObjectStore>,
    /// What does.
    pub around: A,
}

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The store asks for patience: 503 `SlowDown`.
    Throttled(Option<Duration>),
    /// The store fails for now: 500 `InternalError`.
    Unavailable,
    /// The connection breaks.
    HangUp,
    /// What arrived is not what was sent: `BadDigest`.
    ChecksumMismatch,
    /// The store has no room left.
    Full,
    /// The store refuses in this word, such as `AccessDenied`.
    Refused(&'static str),
    /// There is no answer, until the caller gives up.
    Silence,
}

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is done.
    None,
    /// It is done after a while.
    Late(Duration),
    /// It fails and is not done.
    Before(Failure),
    /// It is done, if it can be, but its caller is told that it failed.
    After(Failure),
}

/// The connection is to break, where there is one.
#[derive(Debug)]
pub(super) struct HangUp;

impl fmt::Display for HangUp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the connection broke")
    }
}

impl Error for HangUp {}

impl Failure {
    async fn error(self) -> ObjectError {
        match self {
            Self::Throttled(retry_after) => ObjectError::Throttled { retry_after },
            Self::Unavailable => ObjectError::Unavailable("told to fail".into()),
            Self::HangUp => ObjectError::Unavailable(Box::new(HangUp)),
            Self::ChecksumMismatch => ObjectError::ChecksumMismatch,
            Self::Full => ObjectError::Full("told to be full".into()),
            Self::Refused(reason) => {
                ObjectError::Refused { reason: reason.to_owned(), source: "told to refuse".into() }
            }
            Self::Silence => std::future::pending().await,
        }
    }
}

type Plan = dyn Fn(Call<'_>) -> Fault + Send + Sync;

/// A store that fails as a plan has it.
pub type FaultyStore = AroundStore<Faults>;

/// What is to become of each call.
pub struct Faults(Box<Plan>);

impl FaultyStore {
    /// Asks `plan` what is to become of each call, just when it comes.
    pub fn new(store: Arc<dyn ObjectStore>, plan: impl Fn(Call<'_>) -> Fault + Send + Sync + 'static) -> Self {
        Self::surround(store, Faults(Box::new(plan)))
    }

    /// About one in `every` calls fails, in one of the ways that pass. The same calls in the same order fail for the
    /// same seed.
    pub fn seeded(store: Arc<dyn ObjectStore>, seed: u64, every: u32) -> Self {
        const PASSING: [Failure; 3] = [Failure::Throttled(None), Failure::Unavailable, Failure::HangUp];
        let dice = Mutex::new(fastrand::Rng::with_seed(seed));
        Self::new(store, move |_| {
            let mut dice = dice.lock().unwrap_or_else(PoisonError::into_inner);
            if dice.u32(0..every) != 0 {
                return Fault::None;
            }
            // Whoever asks for patience has done nothing.
            match PASSING[dice.usize(0..PASSING.len())] {
                failure if failure == PASSING[0] || dice.bool() => Fault::Before(failure),
                failure => Fault::After(failure),
            }
        })
    }
}

impl Around for Faults {
    async fn around<T: Send>(
        &self,
        call: Call<'_>,
        answer: impl Future<Output = Result<T, ObjectError>> + Send,
    ) -> Result<T, ObjectError> {
        match (self.0)(call) {
            Fault::None => answer.await,
            Fault::Late(delay) => {
                tokio::time::sleep(delay).await;
                answer.await
            }
            Fault::Before(failure) => Err(failure.error().await),
            Fault::After(failure) => {
                drop(answer.await);
                Err(failure.error().await)
            }
        }
    }
}

impl<A: Around> AroundStore<A> {
    /// The store, with `around` around its calls.
    pub fn surround(store: Arc<dyn ObjectStore>, around: A) -> Self {
        Self { store, around }
    }

    async fn call<T: Send>(
        &self,
        operation: Operation,
        key: &str,
        part: u32,
        answer: impl Future<Output = Result<T, ObjectError>> + Send,
    ) -> Result<T, ObjectError> {
        self.around.around(Call { operation, key, part, bytes: 0 }, answer).await
    }
}

#[async_trait]
impl<A: Around> ObjectStore for AroundStore<A> {
    fn place(&self) -> &Place {
        self.store.place()
    }

    fn limits(&self) -> PartLimits {
        self.store.limits()
    }

    async fn put(
        &self,
        key: &ObjectKey,
        body: Bytes,
        checksum: Crc64,
        condition: &PutCondition,
    ) -> Result<StoredObject, ObjectError> {
        let call = Call { operation: Operation::Put, key: key.as_str(), part: 0, bytes: body.len() };
        self.around.around(call, self.store.put(key, body, checksum, condition)).await
    }

    async fn head(&self, key: &ObjectKey) -> Result<Option<StoredObject>, ObjectError> {
        self.call(Operation::Head, key.as_str(), 0, self.store.head(key)).await
    }

    async fn list(
        &self,
        prefix: &str,
        after: Option<&ObjectKey>,
        limit: u16,
    ) -> Result<Vec<StoredObject>, ObjectError> {
        self.call(Operation::List, prefix, 0, self.store.list(prefix, after, limit)).await
    }

    async fn delete(&self, keys: &[ObjectKey]) -> Result<Vec<(ObjectKey, ObjectError)>, ObjectError> {
        let first = keys.first().map_or("", ObjectKey::as_str);
        self.call(Operation::Delete, first, 0, self.store.delete(keys)).await
    }

    async fn create_upload(&self, key: &ObjectKey) -> Result<UploadId, ObjectError> {
        self.call(Operation::CreateUpload, key.as_str(), 0, self.store.create_upload(key)).await
    }

    async fn upload_part(
        &self,
        key: &ObjectKey,
        upload_id: &UploadId,
        number: u32,
        offset: u64,
        body: Bytes,
        checksum: Crc64,
    ) -> Result<StoredPart, ObjectError> {
        let call = Call { operation: Operation::UploadPart, key: key.as_str(), part: number, bytes: body.len() };
        self.around.around(call, self.store.upload_part(key, upload_id, number, offset, body, checksum)).await
    }

    async fn list_parts(&self, key: &ObjectKey, upload_id: &UploadId) -> Result<Vec<StoredPart>, ObjectError> {
        self.call(Operation::ListParts, key.as_str(), 0, self.store.list_parts(key, upload_id)).await
    }

    async fn complete_upload(
        &self,
        key: &ObjectKey,
        upload_id: &UploadId,
        parts: &[StoredPart],
        checksum: Crc64,
        condition: &PutCondition,
    ) -> Result<StoredObject, ObjectError> {
        let call = self.store.complete_upload(key, upload_id, parts, checksum, condition);
        self.call(Operation::CompleteUpload, key.as_str(), 0, call).await
    }

    async fn abort_upload(&self, key: &ObjectKey, upload_id: &UploadId) -> Result<(), ObjectError> {
        self.call(Operation::AbortUpload, key.as_str(), 0, self.store.abort_upload(key, upload_id)).await
    }

    async fn list_uploads(&self, prefix: &str) -> Result<Vec<OpenUpload>, ObjectError> {
        self.call(Operation::ListUploads, prefix, 0, self.store.list_uploads(prefix)).await
    }

    fn presigns(&self) -> bool {
        self.store.presigns()
    }

    async fn presign_put(
        &self,
        key: &ObjectKey,
        size: u64,
        checksum: Option<Crc64>,
        expires_in: Duration,
    ) -> Result<Option<PresignedRequest>, ObjectError> {
        let call = self.store.presign_put(key, size, checksum, expires_in);
        self.call(Operation::Presign, key.as_str(), 0, call).await
    }

    async fn presign_part(
        &self,
        key: &ObjectKey,
        upload_id: &UploadId,
        number: u32,
        size: u64,
        checksum: Crc64,
        expires_in: Duration,
    ) -> Result<Option<PresignedRequest>, ObjectError> {
        let call = self.store.presign_part(key, upload_id, number, size, checksum, expires_in);
        self.call(Operation::Presign, key.as_str(), number, call).await
    }

    fn appending(&self) -> Option<&dyn AppendingStore> {
        self.store.appending().is_some().then_some(self)
    }
}

impl<A: Around> AroundStore<A> {
    fn inner(&self) -> Result<&dyn AppendingStore, ObjectError> {
        self.store.appending().ok_or_else(|| ObjectError::Internal("nothing can be appended".into()))
    }
}

#[async_trait]
impl<A: Around> AppendingStore for AroundStore<A> {
    async fn append(
        &self,
        key: &ObjectKey,
        upload_id: &UploadId,
        offset: u64,
        body: Bytes,
    ) -> Result<Appended, ObjectError> {
        let call = self.inner()?.append(key, upload_id, offset, body);
        self.call(Operation::Append, key.as_str(), 0, call).await
    }

    async fn appended(&self, key: &ObjectKey, upload_id: &UploadId) -> Result<Appended, ObjectError> {
        self.call(Operation::Appended, key.as_str(), 0, self.inner()?.appended(key, upload_id)).await
    }

    async fn complete_appended(
        &self,
        key: &ObjectKey,
        upload_id: &UploadId,
        whole: Appended,
        condition: &PutCondition,
    ) -> Result<StoredObject, ObjectError> {
        let call = self.inner()?.complete_appended(key, upload_id, whole, condition);
        self.call(Operation::CompleteAppended, key.as_str(), 0, call).await
    }
}
