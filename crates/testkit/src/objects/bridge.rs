//! The protocol of S3, spoken for any object store.

use std::sync::Arc;
use std::time::SystemTime;

use bytes::{Bytes, BytesMut};
use futures_util::TryStreamExt as _;
use hyper::header::{HeaderMap, HeaderValue, RETRY_AFTER};
use s3s::dto::{
    AbortMultipartUploadInput, AbortMultipartUploadOutput, ChecksumMode, CompleteMultipartUploadInput,
    CompleteMultipartUploadOutput, CompletedPart, CreateMultipartUploadInput, CreateMultipartUploadOutput,
    DeleteObjectInput, DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput, ETag, Error, HeadObjectInput,
    HeadObjectOutput, IfMatch, IfNoneMatch, ListMultipartUploadsInput, ListMultipartUploadsOutput, ListObjectsV2Input,
    ListObjectsV2Output, ListPartsInput, ListPartsOutput, MultipartUpload, Object, Part, PutObjectInput,
    PutObjectOutput, StreamingBlob, UploadPartInput, UploadPartOutput,
};
use s3s::{S3, S3Error, S3ErrorCode, S3Request, S3Response, S3Result, s3_error};
use tenantry_sync::objects::{self as port, Crc64, ObjectError, ObjectStore, PutCondition, StoredObject, StoredPart};

use super::faults::HangUp;

/// A header of answers that are to be none.
pub(super) const HANG_UP: &str = "x-test-hang-up";

/// As many as an answer holds.
const PAGE: usize = 1_000;

pub(super) struct Bridge {
    store: Arc<dyn ObjectStore>,
}

impl Bridge {
    pub fn new(store: Arc<dyn ObjectStore>) -> Self {
        Self { store }
    }

    async fn head(&self, key: &str) -> S3Result<StoredObject> {
        self.store.head(&parse_key(key)?).await.map_err(error)?.ok_or_else(|| s3_error!(NoSuchKey))
    }
}

fn error(error: ObjectError) -> S3Error {
    match error {
        ObjectError::NoSuchUpload => s3_error!(NoSuchUpload),
        ObjectError::ConditionFailed => s3_error!(PreconditionFailed),
        ObjectError::ChecksumMismatch => s3_error!(BadDigest),
        ObjectError::Throttled { retry_after } => {
            let seconds = retry_after.and_then(|after| HeaderValue::from_str(&after.as_secs().to_string()).ok());
            with_headers(s3_error!(SlowDown), seconds.map(|seconds| (RETRY_AFTER.as_str(), seconds)))
        }
        ObjectError::Unavailable(source) => {
            let is_hang_up = source.is::<HangUp>().then_some((HANG_UP, HeaderValue::from_static("1")));
            with_headers(s3_error!(InternalError), is_hang_up)
        }
        ObjectError::Full(_) => S3Error::new(S3ErrorCode::Custom("XMinioStorageFull".into())),
        ObjectError::Refused { reason, .. } => {
            let code = S3ErrorCode::from_bytes(reason.as_bytes()).unwrap_or(S3ErrorCode::InvalidRequest);
            S3Error::new(code)
        }
        ObjectError::Internal(_) => s3_error!(InternalError),
    }
}

fn with_headers(mut error: S3Error, header: Option<(&'static str, HeaderValue)>) -> S3Error {
    if let Some((name, value)) = header {
        error.set_headers(HeaderMap::from_iter([(name.parse().expect("a name"), value)]));
    }
    error
}

fn parse_key(key: &str) -> S3Result<port::ObjectKey> {
    port::ObjectKey::parse(key).map_err(|source| s3_error!(source, InvalidRequest))
}

async fn read(body: Option<StreamingBlob>) -> S3Result<Bytes> {
    let mut all = BytesMut::new();
    if let Some(mut body) = body {
        while let Some(chunk) =
            body.try_next().await.map_err(|source| S3Error::with_source(S3ErrorCode::IncompleteBody, source))?
        {
            all.extend_from_slice(&chunk);
        }
    }
    Ok(all.freeze())
}

/// What the client says it is; without a word, what has arrived.
fn checksum(said: Option<&String>, body: &[u8]) -> S3Result<Crc64> {
    match said {
        Some(said) => said.parse().map_err(|source: port::Crc64Error| s3_error!(source, InvalidRequest)),
        None => Ok(Crc64::new(crc_fast::crc64_nvme(body))),
    }
}

fn condition(if_none_match: Option<&IfNoneMatch>, if_match: Option<&IfMatch>) -> S3Result<PutCondition> {
    match (if_none_match, if_match.and_then(|condition| condition.as_etag())) {
        (None, None) => Ok(PutCondition::None),
        (Some(condition), None) if condition.is_any() => Ok(PutCondition::Absent),
        (None, Some(etag)) => Ok(PutCondition::Matches(format!("\"{}\"", etag.value()))),
        _ => Err(s3_error!(NotImplemented)),
    }
}

fn etag(etag: &str) -> ETag {
    ETag::Strong(etag.trim_matches('"').to_owned())
}

fn text(checksum: Option<Crc64>) -> Option<String> {
    checksum.map(|checksum| checksum.to_string())
}

fn length(size: u64) -> i64 {
    i64::try_from(size).expect("a size")
}

fn limit(asked: Option<i32>) -> usize {
    asked.and_then(|asked| usize::try_from(asked).ok()).unwrap_or(PAGE).min(PAGE)
}

fn listed(object: &StoredObject) -> Object {
    Object {
        key: Some(object.key.as_str().to_owned()),
        size: Some(length(object.size)),
        e_tag: object.etag.as_deref().map(etag),
        ..Object::default()
    }
}

/// Sizes are looked up by number, which is how the parts of a completion are known.
fn named(parts: &[StoredPart], part: &CompletedPart) -> StoredPart {
    let number = part.part_number.and_then(|number| u32::try_from(number).ok()).unwrap_or_default();
    let size = parts.iter().find(|known| known.number == number).map_or(0, |known| known.size);
    let etag = part.e_tag.as_ref().map(|etag| format!("\"{}\"", etag.value())).unwrap_or_default();
    StoredPart { number, size, checksum: None, etag }
}

#[async_trait::async_trait]
impl S3 for Bridge {
    async fn put_object(&self, request: S3Request<PutObjectInput>) -> S3Result<S3Response<PutObjectOutput>> {
        let input = request.input;
        let condition = condition(input.if_none_match.as_ref(), input.if_match.as_ref())?;
        let (key, body) = (parse_key(&input.key)?, read(input.body).await?);
        let checksum = checksum(input.checksum_crc64nvme.as_ref(), &body)?;
        let object = self.store.put(&key, body, checksum, &condition).await.map_err(error)?;
        Ok(S3Response::new(PutObjectOutput {
            e_tag: object.etag.as_deref().map(etag),
            checksum_crc64nvme: text(object.checksum),
            ..PutObjectOutput::default()
        }))
    }

    async fn head_object(&self, request: S3Request<HeadObjectInput>) -> S3Result<S3Response<HeadObjectOutput>> {
        let object = self.head(&request.input.key).await?;
        let is_asked = request.input.checksum_mode.is_some_and(|mode| mode.as_str() == ChecksumMode::ENABLED);
        Ok(S3Response::new(HeadObjectOutput {
            content_length: Some(length(object.size)),
            e_tag: object.etag.as_deref().map(etag),
            checksum_crc64nvme: text(object.checksum).filter(|_| is_asked),
            ..HeadObjectOutput::default()
        }))
    }

    async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        let input = request.input;
        let prefix = input.prefix.unwrap_or_default();
        let after = input.continuation_token.or(input.start_after).map(port::ObjectKey::from_stored);
        let limit = limit(input.max_keys);
        let more = u16::try_from(limit + 1).expect("few");
        let mut objects = self.store.list(&prefix, after.as_ref(), more).await.map_err(error)?;
        let is_truncated = objects.len() > limit;
        objects.truncate(limit);
        let last = objects.last().map(|object| object.key.as_str().to_owned());
        Ok(S3Response::new(ListObjectsV2Output {
            is_truncated: Some(is_truncated),
            next_continuation_token: last.filter(|_| is_truncated),
            contents: Some(objects.iter().map(listed).collect()),
            ..ListObjectsV2Output::default()
        }))
    }

    async fn delete_objects(
        &self,
        request: S3Request<DeleteObjectsInput>,
    ) -> S3Result<S3Response<DeleteObjectsOutput>> {
        let keys = request.input.delete.objects.into_iter().map(|object| port::ObjectKey::from_stored(object.key));
        let failures = self.store.delete(&keys.collect::<Vec<_>>()).await.map_err(error)?;
        let failed = failures.into_iter().map(|(key, cause)| Error {
            key: Some(key.as_str().to_owned()),
            code: Some(error(cause).code().as_str().to_owned()),
            ..Error::default()
        });
        Ok(S3Response::new(DeleteObjectsOutput { errors: Some(failed.collect()), ..DeleteObjectsOutput::default() }))
    }

    async fn delete_object(&self, request: S3Request<DeleteObjectInput>) -> S3Result<S3Response<DeleteObjectOutput>> {
        let mut failures = self.store.delete(&[parse_key(&request.input.key)?]).await.map_err(error)?;
        match failures.pop() {
            Some((_, cause)) => Err(error(cause)),
            None => Ok(S3Response::new(DeleteObjectOutput::default())),
        }
    }

    async fn create_multipart_upload(
        &self,
        request: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        let id = self.store.create_upload(&parse_key(&request.input.key)?).await.map_err(error)?;
        Ok(S3Response::new(CreateMultipartUploadOutput {
            upload_id: Some(id.as_str().to_owned()),
            ..CreateMultipartUploadOutput::default()
        }))
    }

    async fn upload_part(&self, request: S3Request<UploadPartInput>) -> S3Result<S3Response<UploadPartOutput>> {
        let input = request.input;
        let (key, id) = (parse_key(&input.key)?, port::UploadId::new(input.upload_id));
        let number = u32::try_from(input.part_number).map_err(|source| s3_error!(source, InvalidArgument))?;
        let body = read(input.body).await?;
        let checksum = checksum(input.checksum_crc64nvme.as_ref(), &body)?;
        let part = self.store.upload_part(&key, &id, number, 0, body, checksum).await.map_err(error)?;
        Ok(S3Response::new(UploadPartOutput {
            e_tag: Some(etag(&part.etag)),
            checksum_crc64nvme: text(part.checksum),
            ..UploadPartOutput::default()
        }))
    }

    async fn list_parts(&self, request: S3Request<ListPartsInput>) -> S3Result<S3Response<ListPartsOutput>> {
        let input = request.input;
        let (key, id) = (parse_key(&input.key)?, port::UploadId::new(input.upload_id));
        let marker = input.part_number_marker.and_then(|marker| u32::try_from(marker).ok()).unwrap_or_default();
        let mut parts = self.store.list_parts(&key, &id).await.map_err(error)?;
        parts.retain(|part| part.number > marker);
        let is_truncated = parts.len() > limit(input.max_parts);
        parts.truncate(limit(input.max_parts));
        let last = parts.last().and_then(|part| i32::try_from(part.number).ok());
        let listed = parts.into_iter().map(|part| Part {
            part_number: i32::try_from(part.number).ok(),
            size: Some(length(part.size)),
            e_tag: Some(etag(&part.etag)),
            checksum_crc64nvme: text(part.checksum),
            ..Part::default()
        });
        Ok(S3Response::new(ListPartsOutput {
            is_truncated: Some(is_truncated),
            next_part_number_marker: last.filter(|_| is_truncated),
            parts: Some(listed.collect()),
            ..ListPartsOutput::default()
        }))
    }

    async fn complete_multipart_upload(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        let input = request.input;
        let (key, id) = (parse_key(&input.key)?, port::UploadId::new(input.upload_id));
        let condition = condition(input.if_none_match.as_ref(), input.if_match.as_ref())?;
        let said = input.checksum_crc64nvme.ok_or_else(|| s3_error!(InvalidRequest))?;
        let checksum = checksum(Some(&said), &[])?;
        let there = self.store.list_parts(&key, &id).await.map_err(error)?;
        let parts = input.multipart_upload.and_then(|upload| upload.parts).unwrap_or_default();
        let parts: Vec<_> = parts.iter().map(|part| named(&there, part)).collect();
        let size: u64 = parts.iter().map(|part| part.size).sum();
        if input.mpu_object_size.is_some_and(|said| said != length(size)) {
            return Err(s3_error!(InvalidRequest));
        }
        let object = self.store.complete_upload(&key, &id, &parts, checksum, &condition).await.map_err(error)?;
        Ok(S3Response::new(CompleteMultipartUploadOutput {
            e_tag: object.etag.as_deref().map(etag),
            checksum_crc64nvme: text(object.checksum),
            ..CompleteMultipartUploadOutput::default()
        }))
    }

    async fn abort_multipart_upload(
        &self,
        request: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        let (key, id) = (parse_key(&request.input.key)?, port::UploadId::new(request.input.upload_id));
        self.store.abort_upload(&key, &id).await.map_err(error)?;
        Ok(S3Response::new(AbortMultipartUploadOutput::default()))
    }

    async fn list_multipart_uploads(
        &self,
        request: S3Request<ListMultipartUploadsInput>,
    ) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
        let input = request.input;
        let found = self.store.list_uploads(&input.prefix.unwrap_or_default()).await.map_err(error)?;
        let uploads = found.into_iter().map(|upload| MultipartUpload {
            key: Some(upload.key.as_str().to_owned()),
            upload_id: Some(upload.upload_id.as_str().to_owned()),
            initiated: Some(SystemTime::from(upload.initiated_at).into()),
            ..MultipartUpload::default()
        });
        Ok(S3Response::new(page(uploads.collect(), &(input.key_marker, input.upload_id_marker), input.max_uploads)))
    }
}

/// Of all uploads, those that come after the markers.
pub(super) fn page(
    mut uploads: Vec<MultipartUpload>,
    (key, id): &(Option<String>, Option<String>),
    asked: Option<i32>,
) -> ListMultipartUploadsOutput {
    let place = |upload: &MultipartUpload| (upload.key.clone(), upload.upload_id.clone());
    uploads.sort_by_key(place);
    uploads.retain(|upload| key.is_none() || place(upload) > (key.clone(), id.clone()));
    let is_truncated = uploads.len() > limit(asked);
    uploads.truncate(limit(asked));
    let last = uploads.last().filter(|_| is_truncated);
    ListMultipartUploadsOutput {
        is_truncated: Some(is_truncated),
        next_key_marker: last.and_then(|last| last.key.clone()),
        next_upload_id_marker: last.and_then(|last| last.upload_id.clone()),
        uploads: Some(uploads),
        ..ListMultipartUploadsOutput::default()
    }
}
