//! Stores that tell what is asked of them, and wait for tests to catch up.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use tenantry_objects::{Addressing, HttpPool, HttpPoolOptions, S3Credentials, S3Options, S3Store};
use tenantry_sync::objects::{
    Crc64, ObjectError, ObjectKey, ObjectStore, OpenUpload, PartLimits, Place, PresignedRequest, PutCondition,
    StoredObject, StoredPart, UploadId,
};
use tenantry_testkit::objects::{ACCESS_KEY, BUCKET, Operation, S3Server, SECRET_KEY};

/// A call that is about to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub operation: Operation,
    pub key: String,
    pub part: u32,
}

type Hook = dyn Fn(Seen) -> BoxFuture<'static, ()> + Send + Sync;

/// A store that does something before each call.
pub struct HookedStore {
    store: Arc<dyn ObjectStore>,
    hook: Box<Hook>,
    held: AtomicU64,
    most_held: AtomicU64,
    sent: Mutex<BTreeMap<(String, u32), u64>>,
}

impl HookedStore {
    pub fn new(
        store: Arc<dyn ObjectStore>,
        hook: impl Fn(Seen) -> BoxFuture<'static, ()> + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            store,
            hook: Box::new(hook),
            held: AtomicU64::new(0),
            most_held: AtomicU64::new(0),
            sent: Mutex::default(),
        })
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
        self.most_held.load(Ordering::Relaxed)
    }

    /// How often each object (part 0) or part was sent.
    pub fn sent(&self) -> BTreeMap<(String, u32), u64> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn see(&self, operation: Operation, key: &str, part: u32) {
        (self.hook)(Seen { operation, key: key.to_owned(), part }).await;
    }

    /// Counts a body as long as the answer lives.
    fn hold(&self, key: &ObjectKey, part: u32, body: &Bytes) -> Held<'_> {
        let bytes = u64::try_from(body.len()).unwrap();
        let now = self.held.fetch_add(bytes, Ordering::Relaxed) + bytes;
        self.most_held.fetch_max(now, Ordering::Relaxed);
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        *sent.entry((key.as_str().to_owned(), part)).or_default() += 1;
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

#[async_trait]
impl ObjectStore for HookedStore {
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
        let _held = self.hold(key, 0, &body);
        self.see(Operation::Put, key.as_str(), 0).await;
        self.store.put(key, body, checksum, condition).await
    }

    async fn head(&self, key: &ObjectKey) -> Result<Option<StoredObject>, ObjectError> {
        self.see(Operation::Head, key.as_str(), 0).await;
        self.store.head(key).await
    }

    async fn list(
        &self,
        prefix: &str,
        after: Option<&ObjectKey>,
        limit: u16,
    ) -> Result<Vec<StoredObject>, ObjectError> {
        self.see(Operation::List, prefix, 0).await;
        self.store.list(prefix, after, limit).await
    }

    async fn delete(&self, keys: &[ObjectKey]) -> Result<Vec<(ObjectKey, ObjectError)>, ObjectError> {
        self.see(Operation::Delete, keys[0].as_str(), 0).await;
        self.store.delete(keys).await
    }

    async fn create_upload(&self, key: &ObjectKey) -> Result<UploadId, ObjectError> {
        self.see(Operation::CreateUpload, key.as_str(), 0).await;
        self.store.create_upload(key).await
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
        let _held = self.hold(key, number, &body);
        self.see(Operation::UploadPart, key.as_str(), number).await;
        self.store.upload_part(key, upload_id, number, offset, body, checksum).await
    }

    async fn list_parts(&self, key: &ObjectKey, upload_id: &UploadId) -> Result<Vec<StoredPart>, ObjectError> {
        self.see(Operation::ListParts, key.as_str(), 0).await;
        self.store.list_parts(key, upload_id).await
    }

    async fn complete_upload(
        &self,
        key: &ObjectKey,
        upload_id: &UploadId,
        parts: &[StoredPart],
        checksum: Crc64,
        condition: &PutCondition,
    ) -> Result<StoredObject, ObjectError> {
        self.see(Operation::CompleteUpload, key.as_str(), 0).await;
        self.store.complete_upload(key, upload_id, parts, checksum, condition).await
    }

    async fn abort_upload(&self, key: &ObjectKey, upload_id: &UploadId) -> Result<(), ObjectError> {
        self.see(Operation::AbortUpload, key.as_str(), 0).await;
        self.store.abort_upload(key, upload_id).await
    }

    async fn list_uploads(&self, prefix: &str) -> Result<Vec<OpenUpload>, ObjectError> {
        self.see(Operation::ListUploads, prefix, 0).await;
        self.store.list_uploads(prefix).await
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
        self.store.presign_put(key, size, checksum, expires_in).await
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
        self.store.presign_part(key, upload_id, number, size, checksum, expires_in).await
    }
}

/// A bucket of a server in this process.
pub async fn bucket(server: &S3Server) -> Arc<S3Store> {
    let options = S3Options {
        endpoint: Some(server.endpoint.clone()),
        addressing: Addressing::Path,
        credentials: S3Credentials::Keys {
            access_key: ACCESS_KEY.to_owned(),
            secret_key: SECRET_KEY.into(),
            session_token: None,
        },
        ..S3Options::new(BUCKET.to_owned())
    };
    Arc::new(S3Store::connect(options, &HttpPool::new(&HttpPoolOptions::default()).unwrap()).await.unwrap())
}
