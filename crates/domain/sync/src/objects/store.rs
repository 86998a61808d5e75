use std::error::Error;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};

use crate::objects::{AppendingStore, Crc64, ObjectKey, PartLimits};

/// Which store and bucket it is. Two stores with the same place hold the same objects.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Place(String);

impl Place {
    /// The place with this name, such as `s3://s3.eu-central-1.amazonaws.com/photos`.
    #[must_use]
    pub fn new(name: String) -> Self {
        Self(name)
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a store calls a multipart upload that was begun.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UploadId(String);

impl UploadId {
    /// The upload that the store calls so.
    #[must_use]
    pub fn new(id: String) -> Self {
        Self(id)
    }

    /// What the store calls it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What must be so for an object to be written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum PutCondition {
    /// Nothing: whatever is there is replaced.
    #[default]
    None,
    /// There is no object of this key.
    Absent,
    /// The object that is there has this entity tag.
    Matches(String),
}

/// An object, as the store reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredObject {
    /// Its name.
    pub key: ObjectKey,
    /// In bytes.
    pub size: u64,
    /// The checksum of the whole, where the store keeps one.
    pub checksum: Option<Crc64>,
    /// What the store tells versions of the object apart by.
    pub etag: Option<String>,
}

/// A part of a multipart upload, as the store reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPart {
    /// From 1.
    pub number: u32,
    /// In bytes.
    pub size: u64,
    /// The checksum of the part, where the store reports one.
    pub checksum: Option<Crc64>,
    /// What completing the upload names the part by.
    pub etag: String,
}

/// A multipart upload that was neither completed nor aborted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenUpload {
    /// The object that it is to become.
    pub key: ObjectKey,
    /// What the store calls it.
    pub upload_id: UploadId,
    /// When it was begun.
    pub initiated_at: DateTime<Utc>,
}

/// A request that its bearer may send to the store without credentials, until it expires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresignedRequest {
    /// The method.
    pub method: String,
    /// Where to.
    pub url: String,
    /// The headers that must be sent along, exactly so.
    pub headers: Vec<(String, String)>,
}

/// What can go wrong with an object store, whichever it is. Adapters translate their own errors into these.
#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    /// There is no such multipart upload: it was completed, aborted, or never begun.
    #[error("there is no such upload")]
    NoSuchUpload,
    /// The condition of a write was not met; nothing was written.
    #[error("the object is not as it was expected to be")]
    ConditionFailed,
    /// What arrived is not what was sent; nothing was written.
    #[error("the checksum does not match")]
    ChecksumMismatch,
    /// The store asks for patience; nothing was written.
    #[error("the store asks to slow down")]
    Throttled {
        /// How long the store asks to wait, where it says.
        retry_after: Option<Duration>,
    },
    /// The store can't be reached or fails for now. Whether something was written is unknown.
    #[error("the store is unavailable")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
    /// The store has no room left; nothing was written. It may have some when somebody has made it.
    #[error("the store has no room left")]
    Full(#[source] Box<dyn Error + Send + Sync>),
    /// The store refuses, and will again: missing rights, no such bucket, a request it does not allow.
    #[error("the store refuses: {reason}")]
    Refused {
        /// The store's word for it, such as `AccessDenied`; fit to be shown to whoever may write there.
        reason: String,
        /// What it answered.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// Anything else: a fault of the adapter, or an answer that makes no sense.
    #[error("the store failed")]
    Internal(#[source] Box<dyn Error + Send + Sync>),
}

impl ObjectError {
    /// Whether the same call may succeed later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Throttled { .. } | Self::Unavailable(_) | Self::ChecksumMismatch)
    }
}

/// A bucket of an object store, or a folder in the role of one.
///
/// A write is there for good and for all to see when the call has answered, whole or not at all. What is written must
/// have the checksum that is given: the store compares it itself, so that no damage on the way goes unnoticed. No call
/// tries again by itself more than a store's own client needs to; whoever calls does.
#[async_trait]
pub trait ObjectStore: Send + Sync {
    /// Which store and bucket it is.
    fn place(&self) -> &Place;

    /// The sizes that it takes.
    fn limits(&self) -> PartLimits;

    /// Writes an object in one piece.
    async fn put(
        &self,
        key: &ObjectKey,
        body: Bytes,
        checksum: Crc64,
        condition: &PutCondition,
    ) -> Result<StoredObject, ObjectError>;

    /// The object of this key, as the store has it now.
    async fn head(&self, key: &ObjectKey) -> Result<Option<StoredObject>, ObjectError>;

    /// The objects whose keys begin with `prefix` and come after `after`, by the bytes of their keys; at most `limit`.
    /// Checksums may be absent here, and entity tags that a store would have to make of the contents.
    async fn list(&self, prefix: &str, after: Option<&ObjectKey>, limit: u16)
    -> Result<Vec<StoredObject>, ObjectError>;

    /// Removes objects, at most 1,000; those that are not there are no error. Answers those that could not be removed.
    async fn delete(&self, keys: &[ObjectKey]) -> Result<Vec<(ObjectKey, ObjectError)>, ObjectError>;

    /// Begins a multipart upload.
    async fn create_upload(&self, key: &ObjectKey) -> Result<UploadId, ObjectError>;

    /// Writes a part, which replaces an earlier one of that number. Every part but the last has the same size, so that
    /// `offset`, where it begins in the object in bytes, is a multiple of it.
    ///
    /// # Errors
    /// [`ObjectError::NoSuchUpload`] and the rest.
    async fn upload_part(
        &self,
        key: &ObjectKey,
        upload_id: &UploadId,
        number: u32,
        offset: u64,
        body: Bytes,
        checksum: Crc64,
    ) -> Result<StoredPart, ObjectError>;

    /// The parts that the store has, by number.
    ///
    /// # Errors
    /// [`ObjectError::NoSuchUpload`] and the rest.
    async fn list_parts(&self, key: &ObjectKey, upload_id: &UploadId) -> Result<Vec<StoredPart>, ObjectError>;

    /// Makes the object of these parts, which are all of 1 to the last. `checksum` is that of the whole object.
    ///
    /// # Errors
    /// [`ObjectError::NoSuchUpload`]: also when an earlier call has completed it and its answer was lost; whoever
    /// calls looks at the object then.
    async fn complete_upload(
        &self,
        key: &ObjectKey,
        upload_id: &UploadId,
        parts: &[StoredPart],
        checksum: Crc64,
        condition: &PutCondition,
    ) -> Result<StoredObject, ObjectError>;

    /// Ends an upload and forgets its parts. One that is not there is no error.
    async fn abort_upload(&self, key: &ObjectKey, upload_id: &UploadId) -> Result<(), ObjectError>;

    /// The uploads that were begun for keys that begin with `prefix`, and neither completed nor aborted.
    async fn list_uploads(&self, prefix: &str) -> Result<Vec<OpenUpload>, ObjectError>;

    /// Whether the store has requests that others may send: it has, or it has not, for all of its life.
    fn presigns(&self) -> bool {
        false
    }

    /// A request by which whoever has it writes an object of this size and checksum, until `expires_in` is over;
    /// without a checksum, any object of this size. None where the store has no such thing.
    async fn presign_put(
        &self,
        key: &ObjectKey,
        size: u64,
        checksum: Option<Crc64>,
        expires_in: Duration,
    ) -> Result<Option<PresignedRequest>, ObjectError>;

    /// The same for a part of an upload, of this size and checksum.
    async fn presign_part(
        &self,
        key: &ObjectKey,
        upload_id: &UploadId,
        number: u32,
        size: u64,
        checksum: Crc64,
        expires_in: Duration,
    ) -> Result<Option<PresignedRequest>, ObjectError>;

    /// The same store, where it also takes an object's bytes one after the other.
    fn appending(&self) -> Option<&dyn AppendingStore> {
        None
    }
}
