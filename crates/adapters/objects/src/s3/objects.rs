use aws_sdk_s3::operation::put_object::builders::PutObjectFluentBuilder;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumMode, Delete, ObjectIdentifier};
use bytes::Bytes;
use futures_util::future::join_all;
use tenantry_sync::objects::{Crc64, ObjectError, ObjectKey, PutCondition, StoredObject};

use super::errors::{is_no_such_key, of_one, translate};
use super::{Integrity, S3Store, headers, length_of, nonsense, parse_checksum, size};

/// As many objects as a request can remove.
const BATCH: usize = 1_000;

/// How many requests are under way where each removes but one.
const DELETES: usize = 32;

impl S3Store {
    /// With all that does not depend on the body.
    pub(super) fn put_request(&self, key: &ObjectKey) -> PutObjectFluentBuilder {
        self.client
            .put_object()
            .bucket(&self.options.bucket)
            .key(key.as_str())
            .set_storage_class(self.storage_class.clone())
            .set_server_side_encryption(self.encryption.clone())
            .set_ssekms_key_id(self.key_id())
    }

    pub(super) async fn put_object(
        &self,
        key: &ObjectKey,
        body: Bytes,
        checksum: Crc64,
        condition: &PutCondition,
    ) -> Result<StoredObject, ObjectError> {
        self.check(&body, checksum)?;
        let length = length_of(&body);
        let (none_match, matches) = headers(condition);
        let (crc64, md5) = self.digests(&body, checksum);
        let request = self
            .put_request(key)
            .set_if_none_match(none_match)
            .set_if_match(matches)
            .set_checksum_crc64_nvme(crc64)
            .set_content_md5(md5)
            .body(ByteStream::from(body));
        let answer = Box::pin(request.send()).await.map_err(|error| {
            // What must match is not there at all.
            let is_absent = matches!(condition, PutCondition::Matches(_)) && is_no_such_key(&error);
            if is_absent { ObjectError::ConditionFailed } else { translate(error) }
        })?;
        Ok(StoredObject {
            key: key.clone(),
            size: length,
            checksum: parse_checksum(answer.checksum_crc64_nvme()),
            etag: answer.e_tag,
        })
    }

    pub(super) async fn head_object(&self, key: &ObjectKey) -> Result<Option<StoredObject>, ObjectError> {
        let request = self
            .client
            .head_object()
            .bucket(&self.options.bucket)
            .key(key.as_str())
            .checksum_mode(ChecksumMode::Enabled);
        match Box::pin(request.send()).await {
            Ok(answer) => Ok(Some(StoredObject {
                key: key.clone(),
                size: size(answer.content_length()),
                checksum: parse_checksum(answer.checksum_crc64_nvme()),
                etag: answer.e_tag,
            })),
            // Without a body, the answer can't say what of it is not there. A bucket that is not is found out by writes.
            Err(error) if is_no_such_key(&error) => Ok(None),
            Err(error) => Err(translate(error)),
        }
    }

    pub(super) async fn delete_objects(
        &self,
        keys: &[ObjectKey],
    ) -> Result<Vec<(ObjectKey, ObjectError)>, ObjectError> {
        let mut failures = Vec::new();
        match self.options.integrity {
            Integrity::Crc64 => {
                for batch in keys.chunks(BATCH) {
                    failures.extend(self.call(0, self.delete_batch(batch)).await?);
                }
            }
            // Many of these stores ask for a header that the SDK no longer sends.
            Integrity::Md5 => {
                for batch in keys.chunks(DELETES) {
                    let deleted = join_all(batch.iter().map(|key| self.call(0, self.delete_object(key)))).await;
                    let failed = batch.iter().zip(deleted);
                    failures.extend(failed.filter_map(|(key, outcome)| Some((key.clone(), outcome.err()?))));
                }
            }
        }
        Ok(failures)
    }

    async fn delete_batch(&self, keys: &[ObjectKey]) -> Result<Vec<(ObjectKey, ObjectError)>, ObjectError> {
        let mut objects = Vec::with_capacity(keys.len());
        for key in keys {
            let object = ObjectIdentifier::builder().key(key.as_str()).build();
            objects.push(object.map_err(|error| ObjectError::Internal(error.into()))?);
        }
        let batch = Delete::builder().set_objects(Some(objects)).quiet(true).build();
        let batch = batch.map_err(|error| ObjectError::Internal(error.into()))?;
        let request = self.client.delete_objects().bucket(&self.options.bucket).delete(batch);
        let answer = Box::pin(request.send()).await.map_err(translate)?;
        let mut failures = Vec::new();
        for failure in answer.errors.unwrap_or_default() {
            let code = failure.code.unwrap_or_default();
            if code != "NoSuchKey" {
                let key = failure.key.ok_or_else(|| nonsense("an object without a key could not be removed"))?;
                let error = of_one(&code, failure.message.as_deref().unwrap_or_default());
                failures.push((ObjectKey::from_stored(key), error));
            }
        }
        Ok(failures)
    }

    async fn delete_object(&self, key: &ObjectKey) -> Result<(), ObjectError> {
        let request = self.client.delete_object().bucket(&self.options.bucket).key(key.as_str());
        match Box::pin(request.send()).await {
            Err(error) if !is_no_such_key(&error) => Err(translate(error)),
            _ => Ok(()),
        }
    }
}
