//! A local folder in the role of a bucket.

mod errors;
mod files;
mod list;
mod names;
mod objects;
mod record;
mod root;
#[cfg(test)]
mod tests;
mod uploads;

use std::fmt;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use tenantry_kernel::{Clock, IdGenerator};
use tenantry_sync::objects::{
    Crc64, ObjectError, ObjectKey, ObjectStore, OpenUpload, PartLimits, Place, PresignedRequest, PutCondition,
    StoredObject, StoredPart, UploadId,
};
use tokio::task::spawn_blocking;

use errors::failed;
pub use root::FolderError;
use root::Root;
use uploads::PartPlace;

/// As those of S3, but for the smallest part: a disk has no reason to ask for one.
const LIMITS: PartLimits =
    PartLimits { max_put: 5 * 1024 * 1024 * 1024, min_part: 1, max_part: 5 * 1024 * 1024 * 1024, max_parts: 10_000 };

const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A folder of this machine in the role of a bucket.
///
/// Objects are plain files below `objects`, named as their keys are, but that folders end in `.d` (`a` and `a/b` may
/// both be objects) and few characters are escaped. They are for their owner only. An object is written under another
/// name, flushed to the disk, and moved to its place; after a loss of power it is there whole or not at all.
///
/// Its checksum is in a small file below `records` that names the object's inode, size and time of change. Where these
/// are no longer so, after a crash between the two or in a folder that was copied, the checksum is made anew from the
/// object: listings leave it out then, and [`ObjectStore::head`] reads the object once.
///
/// Conditions hold among all who write through this store on this machine, in whichever process. Parts of an upload
/// outlast the process. Nothing is ever done to what a symbolic link leads to.
#[derive(Clone)]
pub struct FolderStore {
    root: Arc<Root>,
    place: Place,
}

impl FolderStore {
    /// Uses a folder, which must be there: one that is missing is rather a disk that is not mounted. What broken-off
    /// writes have left there is removed if it is older than a day. Blocks.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn open(path: &Path, clock: Arc<dyn Clock>, ids: Arc<dyn IdGenerator>) -> Result<Self, FolderError> {
        let unusable = |source| FolderError::Unusable { path: path.to_owned(), source };
        let path = path.canonicalize().map_err(unusable)?;
        let place = Place::new(format!("file://{}", percent_encode(path.as_os_str().as_bytes(), PATH)));
        Ok(Self { root: Arc::new(Root::open(&path, clock, ids)?), place })
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Root) -> Result<T, ObjectError> + Send + 'static,
    ) -> Result<T, ObjectError> {
        let root = Arc::clone(&self.root);
        let outcome = spawn_blocking(move || work(&root)).await;
        outcome.unwrap_or_else(|error| Err(ObjectError::Internal(error.into())))
    }
}

impl fmt::Debug for FolderStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("FolderStore").field("place", &self.place).finish_non_exhaustive()
    }
}

#[async_trait]
impl ObjectStore for FolderStore {
    fn place(&self) -> &Place {
        &self.place
    }

    fn limits(&self) -> PartLimits {
        LIMITS
    }

    async fn put(
        &self,
        key: &ObjectKey,
        body: Bytes,
        checksum: Crc64,
        condition: &PutCondition,
    ) -> Result<StoredObject, ObjectError> {
        let (key, condition) = (key.clone(), condition.clone());
        self.run(move |root| root.put(&key, &body, checksum, &condition)).await
    }

    async fn head(&self, key: &ObjectKey) -> Result<Option<StoredObject>, ObjectError> {
        let key = key.clone();
        self.run(move |root| root.head(&key)).await
    }

    async fn list(
        &self,
        prefix: &str,
        after: Option<&ObjectKey>,
        limit: u16,
    ) -> Result<Vec<StoredObject>, ObjectError> {
        let (prefix, after) = (prefix.to_owned(), after.cloned());
        self.run(move |root| root.list(&prefix, after.as_ref(), limit.into()).map_err(failed)).await
    }

    async fn delete(&self, keys: &[ObjectKey]) -> Result<Vec<(ObjectKey, ObjectError)>, ObjectError> {
        let keys = keys.to_vec();
        self.run(move |root| Ok(root.delete(&keys))).await
    }

    async fn create_upload(&self, key: &ObjectKey) -> Result<UploadId, ObjectError> {
        let key = key.clone();
        self.run(move |root| root.create_upload(&key)).await
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
        let (key, upload_id) = (key.clone(), upload_id.clone());
        let place = PartPlace { number, offset };
        self.run(move |root| root.upload_part(&key, &upload_id, &place, &body, checksum)).await
    }

    async fn list_parts(&self, key: &ObjectKey, upload_id: &UploadId) -> Result<Vec<StoredPart>, ObjectError> {
        let (key, upload_id) = (key.clone(), upload_id.clone());
        self.run(move |root| root.list_parts(&key, &upload_id)).await
    }

    async fn complete_upload(
        &self,
        key: &ObjectKey,
        upload_id: &UploadId,
        parts: &[StoredPart],
        checksum: Crc64,
        condition: &PutCondition,
    ) -> Result<StoredObject, ObjectError> {
        let (key, upload_id, condition) = (key.clone(), upload_id.clone(), condition.clone());
        let parts = parts.to_vec();
        self.run(move |root| root.complete_upload(&key, &upload_id, &parts, checksum, &condition)).await
    }

    async fn abort_upload(&self, key: &ObjectKey, upload_id: &UploadId) -> Result<(), ObjectError> {
        let (key, upload_id) = (key.clone(), upload_id.clone());
        self.run(move |root| root.abort_upload(&key, &upload_id)).await
    }

    async fn list_uploads(&self, prefix: &str) -> Result<Vec<OpenUpload>, ObjectError> {
        let prefix = prefix.to_owned();
        self.run(move |root| root.list_uploads(&prefix).map_err(failed)).await
    }

    /// None: nobody else can write to a folder of this machine.
    async fn presign_put(
        &self,
        _key: &ObjectKey,
        _size: u64,
        _checksum: Option<Crc64>,
        _expires_in: Duration,
    ) -> Result<Option<PresignedRequest>, ObjectError> {
        Ok(None)
    }

    /// None, either.
    async fn presign_part(
        &self,
        _key: &ObjectKey,
        _upload_id: &UploadId,
        _number: u32,
        _size: u64,
        _checksum: Crc64,
        _expires_in: Duration,
    ) -> Result<Option<PresignedRequest>, ObjectError> {
        Ok(None)
    }
}

fn length_of(body: &[u8]) -> u64 {
    u64::try_from(body.len()).unwrap_or(u64::MAX)
}
