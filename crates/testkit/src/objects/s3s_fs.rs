//! The server of `s3s-fs`, and what it lacks.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use s3s::dto::{
    AbortMultipartUploadInput, AbortMultipartUploadOutput, CompleteMultipartUploadInput, CompleteMultipartUploadOutput,
    CreateMultipartUploadInput, CreateMultipartUploadOutput, DeleteObjectInput, DeleteObjectOutput, DeleteObjectsInput,
    DeleteObjectsOutput, HeadObjectInput, HeadObjectOutput, ListMultipartUploadsInput, ListMultipartUploadsOutput,
    ListObjectsV2Input, ListObjectsV2Output, ListPartsInput, ListPartsOutput, MultipartUpload, PutObjectInput,
    PutObjectOutput, Timestamp, UploadPartInput, UploadPartOutput,
};
use s3s::{S3, S3Request, S3Response, S3Result};
use s3s_fs::FileSystem;

use super::bridge::page;
use crate::Shortcoming;

/// Passes all on to `s3s-fs` but the list of uploads, which that does not have.
pub(super) struct FileSystemServer {
    files: FileSystem,
    uploads: Mutex<BTreeMap<String, MultipartUpload>>,
}

impl FileSystemServer {
    pub fn new(folder: &Path) -> Self {
        Self { files: FileSystem::new(folder).expect("a folder"), uploads: Mutex::default() }
    }

    fn with_uploads<T>(&self, act: impl FnOnce(&mut BTreeMap<String, MultipartUpload>) -> T) -> T {
        act(&mut self.uploads.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

const NAMES: &str = "s3s-fs takes keys for paths: no long names, and no object where others go on";
const RACES: &str = "s3s-fs looks, and then writes";
const DAMAGE: &str = "s3s-fs writes before it compares, and compares no part";
const WHOLE: &str = "s3s-fs keeps no checksum of what parts make, and compares none";
const PARTS: &str = "s3s-fs tells no entity tags of parts, and compares none";
const UPLOADS: &str = "s3s-fs does not know whose an upload is, and denies access to one that is not there";

const fn always(case: &'static str, reason: &'static str) -> Shortcoming {
    Shortcoming { case, reason, is_certain: true }
}

const fn sometimes(case: &'static str, reason: &'static str) -> Shortcoming {
    Shortcoming { case, reason, is_certain: false }
}

/// What `s3s-fs` 0.14 does not do as S3 does, of [`OBJECTS`](crate::contracts::OBJECTS).
pub const S3S_FS_OBJECTS: &[Shortcoming] = &[
    always("what_arrives_damaged_is_not_written", DAMAGE),
    sometimes("of_those_that_must_be_first_one_is", RACES),
    sometimes("of_those_that_replace_the_same_one_does", RACES),
    always("a_key_may_be_long", NAMES),
    always("a_key_may_go_on_where_another_ends", NAMES),
    always("a_list_is_in_the_order_of_bytes", NAMES),
    always("a_list_is_of_what_begins_so", NAMES),
    always("what_is_deleted_is_gone", NAMES),
];

/// The same of [`UPLOADS`](crate::contracts::UPLOADS).
pub const S3S_FS_UPLOADS: &[Shortcoming] = &[
    always("parts_make_an_object", WHOLE),
    always("parts_come_in_any_order", WHOLE),
    always("parts_come_at_once", WHOLE),
    always("one_part_is_enough", WHOLE),
    always("a_whole_of_another_checksum_is_not_made", WHOLE),
    always("an_upload_obeys_conditions_at_its_end", WHOLE),
    always("what_is_uploaded_to_be_first_is", WHOLE),
    always("a_part_replaces_the_one_before", PARTS),
    always("a_part_that_arrives_damaged_is_not_kept", DAMAGE),
    always("the_parts_that_are_there_are_listed", PARTS),
    always("parts_that_are_not_there_make_no_object", PARTS),
    always("an_upload_is_completed_once", UPLOADS),
    always("an_upload_that_was_aborted_is_gone", UPLOADS),
    always("an_upload_is_of_one_key", UPLOADS),
    always("an_upload_that_was_never_begun_is_none", UPLOADS),
    always("whoever_has_a_request_writes_just_that", DAMAGE),
];

/// Passes a call on as it is.
macro_rules! pass {
    ($($name:ident: $input:ty => $output:ty),+ $(,)?) => {
        #[async_trait::async_trait]
        impl S3 for FileSystemServer {
            $(async fn $name(&self, request: S3Request<$input>) -> S3Result<S3Response<$output>> {
                self.files.$name(request).await
            })+

            async fn create_multipart_upload(
                &self,
                request: S3Request<CreateMultipartUploadInput>,
            ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
                let key = request.input.key.clone();
                let response = self.files.create_multipart_upload(request).await?;
                let id = response.output.upload_id.clone().expect("an identifier");
                let initiated = Some(Timestamp::from(std::time::SystemTime::UNIX_EPOCH));
                let (key, upload_id) = (Some(key), Some(id.clone()));
                let upload = MultipartUpload { key, upload_id, initiated, ..MultipartUpload::default() };
                self.with_uploads(|uploads| uploads.insert(id, upload));
                Ok(response)
            }

            async fn complete_multipart_upload(
                &self,
                request: S3Request<CompleteMultipartUploadInput>,
            ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
                let id = request.input.upload_id.clone();
                let response = self.files.complete_multipart_upload(request).await?;
                self.with_uploads(|uploads| uploads.remove(&id));
                Ok(response)
            }

            async fn abort_multipart_upload(
                &self,
                request: S3Request<AbortMultipartUploadInput>,
            ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
                let id = request.input.upload_id.clone();
                let response = self.files.abort_multipart_upload(request).await?;
                self.with_uploads(|uploads| uploads.remove(&id));
                Ok(response)
            }

            async fn list_multipart_uploads(
                &self,
                request: S3Request<ListMultipartUploadsInput>,
            ) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
                let input = request.input;
                let prefix = input.prefix.unwrap_or_default();
                let is_asked = |upload: &MultipartUpload| {
                    upload.key.as_ref().is_some_and(|key| key.starts_with(&prefix))
                };
                let uploads = self.with_uploads(|uploads| uploads.values().filter(|upload| is_asked(upload)).cloned().collect());
                Ok(S3Response::new(page(uploads, &(input.key_marker, input.upload_id_marker), input.max_uploads)))
            }
        }
    };
}

pass! {
    put_object: PutObjectInput => PutObjectOutput,
    head_object: HeadObjectInput => HeadObjectOutput,
    list_objects_v2: ListObjectsV2Input => ListObjectsV2Output,
    delete_object: DeleteObjectInput => DeleteObjectOutput,
    delete_objects: DeleteObjectsInput => DeleteObjectsOutput,
    upload_part: UploadPartInput => UploadPartOutput,
    list_parts: ListPartsInput => ListPartsOutput,
}
