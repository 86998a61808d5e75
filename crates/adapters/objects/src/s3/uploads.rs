use aws_sdk_s3::operation::upload_part::builders::UploadPartFluentBuilder;
use aws_sdk_s3::primitives::{ByteStream, DateTime};
use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumType, CompletedMultipartUpload, CompletedPart};
use bytes::Bytes;
use tenantry_sync::objects::{
    Crc64, ObjectError, ObjectKey, OpenUpload, PutCondition, StoredObject, StoredPart, UploadId,
};

use super::errors::{is_no_such_key, translate};
use super::{Integrity, S3Store, headers, length_of, nonsense, parse_checksum, signed, size};

impl S3Store {
    pub(super) async fn begin(&self, key: &ObjectKey) -> Result<UploadId, ObjectError> {
        let mut request = self
            .client
            .create_multipart_upload()
            .bucket(&self.options.bucket)
            .key(key.as_str())
            .set_storage_class(self.storage_class.clone())
            .set_server_side_encryption(self.encryption.clone())
            .set_ssekms_key_id(self.key_id());
        if self.options.integrity == Integrity::Crc64 {
            request = request.checksum_algorithm(ChecksumAlgorithm::Crc64Nvme).checksum_type(ChecksumType::FullObject);
        }
        let answer = Box::pin(request.send()).await.map_err(translate)?;
        answer.upload_id.map(UploadId::new).ok_or_else(|| nonsense("an upload without an identifier"))
    }

    pub(super) fn part_request(&self, key: &ObjectKey, id: &UploadId, number: u32) -> UploadPartFluentBuilder {
        self.client
            .upload_part()
            .bucket(&self.options.bucket)
            .key(key.as_str())
            .upload_id(id.as_str())
            .part_number(i32::try_from(number).unwrap_or(i32::MAX))
    }

    pub(super) async fn send_part(
        &self,
        key: &ObjectKey,
        id: &UploadId,
        number: u32,
        body: Bytes,
        checksum: Crc64,
    ) -> Result<StoredPart, ObjectError> {
        self.check(&body, checksum)?;
        let length = length_of(&body);
        let (crc64, md5) = self.digests(&body, checksum);
        let request = self
            .part_request(key, id, number)
            .set_checksum_crc64_nvme(crc64)
            .set_content_md5(md5)
            .body(ByteStream::from(body));
        let answer = Box::pin(request.send()).await.map_err(translate)?;
        let stored = parse_checksum(answer.checksum_crc64_nvme());
        let etag = answer.e_tag.ok_or_else(|| nonsense("a part without an entity tag"))?;
        Ok(StoredPart { number, size: length, checksum: stored, etag })
    }

    pub(super) async fn list_all_parts(&self, key: &ObjectKey, id: &UploadId) -> Result<Vec<StoredPart>, ObjectError> {
        let mut parts = Vec::new();
        let mut marker = None;
        loop {
            let request = self
                .client
                .list_parts()
                .bucket(&self.options.bucket)
                .key(key.as_str())
                .upload_id(id.as_str())
                .set_part_number_marker(marker.take());
            let send = async { Box::pin(request.send()).await.map_err(translate) };
            let answer = self.call(0, send).await?;
            for part in answer.parts.unwrap_or_default() {
                let number = part.part_number.and_then(|number| u32::try_from(number).ok());
                parts.push(StoredPart {
                    number: number.ok_or_else(|| nonsense("a part without a number"))?,
                    size: size(part.size),
                    checksum: parse_checksum(part.checksum_crc64_nvme.as_deref()),
                    etag: part.e_tag.ok_or_else(|| nonsense("a part without an entity tag"))?,
                });
            }
            marker = answer.next_part_number_marker;
            if answer.is_truncated != Some(true) || marker.is_none() {
                break;
            }
        }
        parts.sort_unstable_by_key(|part| part.number);
        Ok(parts)
    }

    pub(super) async fn complete(
        &self,
        key: &ObjectKey,
        id: &UploadId,
        parts: &[StoredPart],
        checksum: Crc64,
        condition: &PutCondition,
    ) -> Result<StoredObject, ObjectError> {
        let total = parts.iter().map(|part| part.size).sum();
        let (none_match, matches) = headers(condition);
        let named = CompletedMultipartUpload::builder().set_parts(Some(parts.iter().map(named).collect())).build();
        let mut request = self
            .client
            .complete_multipart_upload()
            .bucket(&self.options.bucket)
            .key(key.as_str())
            .upload_id(id.as_str())
            .set_if_none_match(none_match)
            .set_if_match(matches)
            .multipart_upload(named);
        if self.options.integrity == Integrity::Crc64 {
            request = request
                .checksum_crc64_nvme(checksum.to_string())
                .checksum_type(ChecksumType::FullObject)
                .mpu_object_size(signed(total));
        }
        let answer = Box::pin(request.send()).await.map_err(|error| {
            let is_absent = matches!(condition, PutCondition::Matches(_)) && is_no_such_key(&error);
            if is_absent { ObjectError::ConditionFailed } else { translate(error) }
        })?;
        let stored = parse_checksum(answer.checksum_crc64_nvme());
        Ok(StoredObject { key: key.clone(), size: total, checksum: stored, etag: answer.e_tag })
    }

    pub(super) async fn abort(&self, key: &ObjectKey, id: &UploadId) -> Result<(), ObjectError> {
        let request =
            self.client.abort_multipart_upload().bucket(&self.options.bucket).key(key.as_str()).upload_id(id.as_str());
        match Box::pin(request.send()).await.map_err(translate) {
            Ok(_) | Err(ObjectError::NoSuchUpload) => Ok(()),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn list_all_uploads(&self, prefix: &str) -> Result<Vec<OpenUpload>, ObjectError> {
        let mut uploads = Vec::new();
        let (mut key_marker, mut id_marker) = (None, None);
        loop {
            let request = self
                .client
                .list_multipart_uploads()
                .bucket(&self.options.bucket)
                .prefix(prefix)
                .set_key_marker(key_marker.take())
                .set_upload_id_marker(id_marker.take());
            let send = async { Box::pin(request.send()).await.map_err(translate) };
            let answer = self.call(0, send).await?;
            for upload in answer.uploads.unwrap_or_default() {
                let initiated_at = upload.initiated.as_ref().and_then(time);
                uploads.push(OpenUpload {
                    key: ObjectKey::from_stored(upload.key.ok_or_else(|| nonsense("an upload without a key"))?),
                    upload_id: upload
                        .upload_id
                        .map(UploadId::new)
                        .ok_or_else(|| nonsense("an upload without an id"))?,
                    initiated_at: initiated_at.ok_or_else(|| nonsense("an upload without a time"))?,
                });
            }
            (key_marker, id_marker) = (answer.next_key_marker, answer.next_upload_id_marker);
            if answer.is_truncated != Some(true) || key_marker.is_none() {
                return Ok(uploads);
            }
        }
    }
}

fn named(part: &StoredPart) -> CompletedPart {
    CompletedPart::builder()
        .part_number(i32::try_from(part.number).unwrap_or(i32::MAX))
        .e_tag(&part.etag)
        .set_checksum_crc64_nvme(part.checksum.map(|checksum| checksum.to_string()))
        .build()
}

fn time(time: &DateTime) -> Option<chrono::DateTime<chrono::Utc>> {
    chrono::DateTime::from_timestamp(time.secs(), time.subsec_nanos())
}
