//! Uploads that bytes are appended to.
//!
//! How many there are and their checksum is in a record, which is replaced when they are flushed to the disk. What a
//! crash leaves in the data beyond that is overwritten; without a record that makes sense, nothing has arrived.

use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::fs::FileExt as _;

use async_trait::async_trait;
use bytes::Bytes;
use tenantry_sync::objects::{Appended, AppendingStore, ObjectError, ObjectKey, PutCondition, StoredObject, UploadId};

use super::FolderStore;
use super::errors::{failed, refused};
use super::files;
use super::record::{seal, unseal};
use super::root::{Flush, Root};
use super::uploads::Upload;

/// How much was appended.
const APPENDED: &str = "appended";

#[async_trait]
impl AppendingStore for FolderStore {
    async fn append(
        &self,
        key: &ObjectKey,
        upload_id: &UploadId,
        offset: u64,
        body: Bytes,
    ) -> Result<Appended, ObjectError> {
        let (key, upload_id) = (key.clone(), upload_id.clone());
        self.run(move |root| root.append(&key, &upload_id, offset, &body)).await
    }

    async fn appended(&self, key: &ObjectKey, upload_id: &UploadId) -> Result<Appended, ObjectError> {
        let (key, upload_id) = (key.clone(), upload_id.clone());
        self.run(move |root| root.appendable(&key, &upload_id)?.appended().map_err(failed)).await
    }

    async fn complete_appended(
        &self,
        key: &ObjectKey,
        upload_id: &UploadId,
        whole: Appended,
        condition: &PutCondition,
    ) -> Result<StoredObject, ObjectError> {
        let (key, upload_id, condition) = (key.clone(), upload_id.clone(), condition.clone());
        self.run(move |root| root.complete_appended(&key, &upload_id, whole, &condition)).await
    }
}

impl Root {
    /// An upload without parts, which nobody else writes to or completes until the result is dropped.
    fn appendable(&self, key: &ObjectKey, id: &UploadId) -> Result<Upload, ObjectError> {
        let upload = self.find_upload(key, id)?;
        upload.data.lock().map_err(failed)?;
        upload.must_be_there()?;
        if upload.has_parts().map_err(failed)? {
            return Err(refused("InvalidRequest", "an upload that has parts can't be appended to"));
        }
        Ok(upload)
    }

    fn append(&self, key: &ObjectKey, id: &UploadId, offset: u64, body: &[u8]) -> Result<Appended, ObjectError> {
        let upload = self.appendable(key, id)?;
        let there = upload.appended().map_err(failed)?;
        if there.length != offset {
            return Err(ObjectError::ConditionFailed);
        }
        self.write_appended(&upload, there, body).map_err(failed)
    }

    fn write_appended(&self, upload: &Upload, there: Appended, body: &[u8]) -> io::Result<Appended> {
        upload.data.write_all_at(body, there.length)?;
        upload.data.sync_data()?;
        let appended = there.followed_by(body);
        self.write_text((upload.folder.as_fd(), APPENDED), &write(appended), Flush::Yes)?;
        Ok(appended)
    }

    fn complete_appended(
        &self,
        key: &ObjectKey,
        id: &UploadId,
        whole: Appended,
        condition: &PutCondition,
    ) -> Result<StoredObject, ObjectError> {
        let upload = self.appendable(key, id)?;
        if upload.appended().map_err(failed)? != whole {
            return Err(ObjectError::ChecksumMismatch);
        }
        self.make_object(key, &upload, (whole.length, whole.checksum), condition)
    }
}

impl Upload {
    fn appended(&self) -> io::Result<Appended> {
        let recorded = files::read_text(&self.folder, APPENDED)?.and_then(|text| read(&text));
        Ok(recorded.unwrap_or_else(Appended::nothing))
    }

    /// Whether anything was appended, or may have been.
    pub fn was_appended_to(&self) -> io::Result<bool> {
        files::exists(&self.folder, APPENDED)
    }
}

fn write(appended: Appended) -> String {
    seal(&format!("appended {} {}", appended.length, appended.checksum))
}

fn read(text: &str) -> Option<Appended> {
    let (length, checksum) = unseal(text)?.strip_prefix("appended ")?.split_once(' ')?;
    Some(Appended { length: length.parse().ok()?, checksum: checksum.parse().ok()? })
}
