use std::time::Duration;

use aws_sdk_s3::presigning::{PresignedRequest as Signed, PresigningConfig};
use tenantry_sync::objects::{Crc64, ObjectError, ObjectKey, PresignedRequest, UploadId};

use super::errors::translate;
use super::{Integrity, S3Store, signed};

/// A part that is to arrive.
pub(super) struct SizedPart {
    pub number: u32,
    pub size: u64,
    pub checksum: Crc64,
}

impl S3Store {
    /// None with MD5, which can't be told from the checksum.
    pub(super) async fn presign_object(
        &self,
        key: &ObjectKey,
        size: u64,
        checksum: Option<Crc64>,
        expires_in: Duration,
    ) -> Result<Option<PresignedRequest>, ObjectError> {
        if self.options.integrity == Integrity::Md5 {
            return Ok(None);
        }
        let checksum = checksum.map(|checksum| checksum.to_string());
        let request = self.put_request(key).content_length(signed(size)).set_checksum_crc64_nvme(checksum);
        let signed = Box::pin(request.presigned(config(expires_in)?)).await.map_err(translate)?;
        Ok(Some(port(&signed)))
    }

    pub(super) async fn presign_upload_part(
        &self,
        key: &ObjectKey,
        id: &UploadId,
        SizedPart { number, size, checksum }: SizedPart,
        expires_in: Duration,
    ) -> Result<Option<PresignedRequest>, ObjectError> {
        if self.options.integrity == Integrity::Md5 {
            return Ok(None);
        }
        let request = self.part_request(key, id, number).content_length(signed(size));
        let request = request.checksum_crc64_nvme(checksum.to_string());
        let signed = Box::pin(request.presigned(config(expires_in)?)).await.map_err(translate)?;
        Ok(Some(port(&signed)))
    }
}

/// At most a week.
fn config(expires_in: Duration) -> Result<PresigningConfig, ObjectError> {
    PresigningConfig::expires_in(expires_in).map_err(|error| ObjectError::Internal(error.into()))
}

fn port(signed: &Signed) -> PresignedRequest {
    let headers = signed.headers().map(|(name, value)| (name.to_owned(), value.to_owned()));
    PresignedRequest { method: signed.method().to_owned(), url: signed.uri().to_owned(), headers: headers.collect() }
}
