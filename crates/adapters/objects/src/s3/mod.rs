//! A bucket of Amazon S3, or of a store that speaks its protocol.

mod client;
mod errors;
mod list;
mod objects;
mod options;
mod presign;
#[cfg(test)]
mod tests;
mod uploads;

use std::fmt;
use std::future::Future;
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_s3::Client;
use aws_sdk_s3::types::{ServerSideEncryption, StorageClass};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use md5::{Digest as _, Md5};
use tenantry_sync::objects::{
    Crc64, ObjectError, ObjectKey, ObjectStore, OpenUpload, PartLimits, Place, PresignedRequest, PutCondition,
    StoredObject, StoredPart, UploadId,
};
use tokio::time::timeout;

use presign::SizedPart;

pub use client::S3SetupError;
pub use options::{
    Addressing, BodySigning, Encryption, HttpPool, HttpPoolOptions, Integrity, S3Credentials, S3Options,
};

/// Those of Amazon S3, to which others keep.
const LIMITS: PartLimits = PartLimits {
    max_put: 5 * 1024 * 1024 * 1024,
    min_part: 5 * 1024 * 1024,
    max_part: 5 * 1024 * 1024 * 1024,
    max_parts: 10_000,
};

/// A bucket of Amazon S3, or of a store that speaks its protocol.
///
/// The store compares the checksum of every body ([`Integrity`]), keeps it, and reports it by [`ObjectStore::head`]. One
/// that takes the header and reports none does not know CRC-64/NVME: then [`StoredObject::checksum`] is `None`, and
/// [`Integrity::Md5`] is the choice that has bodies compared.
///
/// Each call is one request, or one for each page of a list, and none is sent again.
#[derive(Clone)]
pub struct S3Store {
    client: Client,
    place: Place,
    options: S3Options,
    encryption: Option<ServerSideEncryption>,
    storage_class: Option<StorageClass>,
}

impl S3Store {
    /// Asks nothing of the bucket yet. Profiles and the environment are read here, and only where the credentials or
    /// the region are to come from there.
    ///
    /// # Errors
    /// [`S3SetupError`].
    pub async fn connect(options: S3Options, pool: &HttpPool) -> Result<Self, S3SetupError> {
        let client = Box::pin(client::connect(&options, pool)).await?;
        let encryption = options.encryption.as_ref().map(|encryption| match encryption {
            Encryption::Store => ServerSideEncryption::Aes256,
            Encryption::Kms { .. } => ServerSideEncryption::AwsKms,
        });
        let storage_class = options.storage_class.as_deref().map(StorageClass::from);
        let place = Place::new(place(&options, &client));
        Ok(Self { client, place, options, encryption, storage_class })
    }

    /// Ends a call that takes longer than one with so large a body may.
    async fn call<T>(
        &self,
        body: usize,
        call: impl Future<Output = Result<T, ObjectError>> + Send,
    ) -> Result<T, ObjectError> {
        let rate = u64::from(self.options.min_rate.max(1));
        let seconds = u64::try_from(body).unwrap_or(u64::MAX) / rate;
        let limit = self.options.call_timeout.saturating_add(Duration::from_secs(seconds));
        timeout(limit, call).await.unwrap_or_else(|elapsed| Err(ObjectError::Unavailable(elapsed.into())))
    }

    fn key_id(&self) -> Option<String> {
        match &self.options.encryption {
            Some(Encryption::Kms { key_id }) => key_id.clone(),
            _ => None,
        }
    }

    /// The checksum and the MD5 to be sent along, of which one is needed.
    fn digests(&self, body: &[u8], checksum: Crc64) -> (Option<String>, Option<String>) {
        match self.options.integrity {
            Integrity::Crc64 => (Some(checksum.to_string()), None),
            Integrity::Md5 => (None, Some(STANDARD.encode(Md5::digest(body)))),
        }
    }

    /// The store would compare the MD5, which is made of what is there: the checksum was made earlier.
    fn check(&self, body: &[u8], checksum: Crc64) -> Result<(), ObjectError> {
        let is_right = self.options.integrity == Integrity::Crc64 || Crc64::of(body) == checksum;
        if is_right { Ok(()) } else { Err(ObjectError::ChecksumMismatch) }
    }
}

fn place(options: &S3Options, client: &Client) -> String {
    let bucket = &options.bucket;
    let Some(endpoint) = &options.endpoint else {
        let region = client.config().region().map_or("", AsRef::as_ref);
        let suffix = if region.starts_with("cn-") { ".cn" } else { "" };
        return format!("s3://s3.{region}.amazonaws.com{suffix}/{bucket}");
    };
    let (scheme, host) = endpoint.split_once("://").unwrap_or(("https", endpoint));
    let kind = if scheme == "http" { "s3+http" } else { "s3" };
    format!("{kind}://{}/{bucket}", host.trim_end_matches('/'))
}

/// `If-None-Match` and `If-Match`.
fn headers(condition: &PutCondition) -> (Option<String>, Option<String>) {
    match condition {
        PutCondition::None => (None, None),
        PutCondition::Absent => (Some("*".to_owned()), None),
        PutCondition::Matches(etag) => (None, Some(etag.clone())),
    }
}

fn parse_checksum(text: Option<&str>) -> Option<Crc64> {
    text?.parse().ok()
}

fn size(size: Option<i64>) -> u64 {
    size.and_then(|size| u64::try_from(size).ok()).unwrap_or_default()
}

fn signed(length: u64) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

fn length_of(body: &[u8]) -> u64 {
    u64::try_from(body.len()).unwrap_or(u64::MAX)
}

/// An answer lacks what it must have.
fn nonsense(what: &'static str) -> ObjectError {
    ObjectError::Internal(what.into())
}

impl fmt::Debug for S3Store {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("S3Store").field("place", &self.place).finish_non_exhaustive()
    }
}

#[async_trait]
impl ObjectStore for S3Store {
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
        self.call(body.len(), self.put_object(key, body, checksum, condition)).await
    }

    async fn head(&self, key: &ObjectKey) -> Result<Option<StoredObject>, ObjectError> {
        self.call(0, self.head_object(key)).await
    }

    async fn list(
        &self,
        prefix: &str,
        after: Option<&ObjectKey>,
        limit: u16,
    ) -> Result<Vec<StoredObject>, ObjectError> {
        self.list_objects(prefix, after, limit.into()).await
    }

    async fn delete(&self, keys: &[ObjectKey]) -> Result<Vec<(ObjectKey, ObjectError)>, ObjectError> {
        self.delete_objects(keys).await
    }

    async fn create_upload(&self, key: &ObjectKey) -> Result<UploadId, ObjectError> {
        self.call(0, self.begin(key)).await
    }

    async fn upload_part(
        &self,
        key: &ObjectKey,
        upload_id: &UploadId,
        number: u32,
        _offset: u64,
        body: Bytes,
        checksum: Crc64,
    ) -> Result<StoredPart, ObjectError> {
        self.call(body.len(), self.send_part(key, upload_id, number, body, checksum)).await
    }

    async fn list_parts(&self, key: &ObjectKey, upload_id: &UploadId) -> Result<Vec<StoredPart>, ObjectError> {
        self.list_all_parts(key, upload_id).await
    }

    async fn complete_upload(
        &self,
        key: &ObjectKey,
        upload_id: &UploadId,
        parts: &[StoredPart],
        checksum: Crc64,
        condition: &PutCondition,
    ) -> Result<StoredObject, ObjectError> {
        // The store may take minutes to put the largest objects together.
        let patience = parts.len().saturating_mul(64 * 1024);
        self.call(patience, self.complete(key, upload_id, parts, checksum, condition)).await
    }

    async fn abort_upload(&self, key: &ObjectKey, upload_id: &UploadId) -> Result<(), ObjectError> {
        self.call(0, self.abort(key, upload_id)).await
    }

    async fn list_uploads(&self, prefix: &str) -> Result<Vec<OpenUpload>, ObjectError> {
        self.list_all_uploads(prefix).await
    }

    /// MD5 can't be told from the checksum that a client says.
    fn presigns(&self) -> bool {
        self.options.integrity == Integrity::Crc64
    }

    async fn presign_put(
        &self,
        key: &ObjectKey,
        size: u64,
        checksum: Option<Crc64>,
        expires_in: Duration,
    ) -> Result<Option<PresignedRequest>, ObjectError> {
        self.call(0, self.presign_object(key, size, checksum, expires_in)).await
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
        let part = SizedPart { number, size, checksum };
        self.call(0, self.presign_upload_part(key, upload_id, part, expires_in)).await
    }
}
