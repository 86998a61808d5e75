use async_trait::async_trait;
use bytes::Bytes;

use crate::objects::{Crc64, ObjectError, ObjectKey, PutCondition, StoredObject, UploadId};

/// How much of an object has arrived, from its first byte on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// In bytes.
    pub length: u64,
    /// The checksum of these bytes.
    pub checksum: Crc64,
}

impl Appended {
    /// Nothing has.
    #[must_use]
    pub fn nothing() -> Self {
        Self { length: 0, checksum: Crc64::of(&[]) }
    }

    /// The same with more bytes at its end.
    #[must_use]
    pub fn followed_by(self, bytes: &[u8]) -> Self {
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        Self {
            length: self.length.saturating_add(length),
            checksum: self.checksum.followed_by(Crc64::of(bytes), length),
        }
    }
}

/// A store that takes an object's bytes one after the other, for clients that can't tell where parts begin.
///
/// An upload is begun by [`create_upload`](super::ObjectStore::create_upload), listed and aborted as others are, and
/// takes either parts or what is appended. What the store says has arrived stays, whatever happens to the process or
/// the machine: it may know less than was sent, and never bytes that were not sent there.
#[async_trait]
pub trait AppendingStore: Send + Sync {
    /// Puts `body` behind what is there, which must end at `offset` in bytes. Of several callers who append at the same
    /// place at the same time, in whichever process, one does.
    ///
    /// # Errors
    /// [`ObjectError::ConditionFailed`]: what is there ends elsewhere, and nothing was written.
    /// [`ObjectError::NoSuchUpload`], [`ObjectError::Refused`] where it has parts, and the rest.
    async fn append(
        &self,
        key: &ObjectKey,
        upload_id: &UploadId,
        offset: u64,
        body: Bytes,
    ) -> Result<Appended, ObjectError>;

    /// What is there.
    ///
    /// # Errors
    /// [`ObjectError::NoSuchUpload`], [`ObjectError::Refused`] where it has parts, and the rest.
    async fn appended(&self, key: &ObjectKey, upload_id: &UploadId) -> Result<Appended, ObjectError>;

    /// Makes the object of what is there, which must be `whole`.
    ///
    /// # Errors
    /// [`ObjectError::ChecksumMismatch`]: something else is there; the upload stays as it is.
    /// [`ObjectError::ConditionFailed`]: the object is not as `condition` has it; the upload stays as well.
    /// [`ObjectError::NoSuchUpload`]: also when an earlier call has completed it and its answer was lost.
    async fn complete_appended(
        &self,
        key: &ObjectKey,
        upload_id: &UploadId,
        whole: Appended,
        condition: &PutCondition,
    ) -> Result<StoredObject, ObjectError>;
}
