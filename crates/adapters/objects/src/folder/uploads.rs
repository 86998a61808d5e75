//! Multipart uploads: each has a folder, with the data so far in one file and a record of each part beside it.
//!
//! An upload is there as long as its data is. Whoever writes a part shares a lock of the data; whoever completes or
//! aborts the upload holds it alone, so that no part is written into what has become an object. Uploads that bytes are
//! appended to are the same but for the parts.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::fs::FileExt as _;

use chrono::DateTime;
use tenantry_sync::objects::{
    Crc64, ObjectError, ObjectKey, OpenUpload, PutCondition, StoredObject, StoredPart, UploadId,
};

use super::errors::{failed, refused};
use super::files::{self, Kind};
use super::record::{self, PartRecord, seal, unseal};
use super::root::{Flush, Root};
use super::{LIMITS, length_of};

pub(super) const DATA: &str = "data";
/// The key, and when the upload was begun.
const UPLOAD: &str = "upload";
/// The size of all parts but the last.
const PART_SIZE: &str = "part-size";
const PART: &str = "part-";

/// An upload that is there.
pub(super) struct Upload {
    id: String,
    pub folder: OwnedFd,
    pub data: File,
}

/// A part, where in the object it is to go.
pub(super) struct PartPlace {
    pub number: u32,
    pub offset: u64,
}

impl Root {
    pub fn create_upload(&self, key: &ObjectKey) -> Result<UploadId, ObjectError> {
        self.path(key)?;
        self.make_upload(key).map_err(failed)
    }

    fn make_upload(&self, key: &ObjectKey) -> io::Result<UploadId> {
        let id = self.new_name();
        let folder = files::make_folder(&self.uploads, &id)?;
        let text = seal(&format!("{} {key}", self.clock.now().timestamp_micros()));
        self.write_text((folder.as_fd(), UPLOAD), &text, Flush::Yes)?;
        files::create(&folder, DATA)?;
        files::sync_folder(&folder)?;
        Ok(UploadId::new(id))
    }

    pub fn find_upload(&self, key: &ObjectKey, id: &UploadId) -> Result<Upload, ObjectError> {
        let found = self.open_upload(id.as_str()).map_err(failed)?;
        let (open, folder, data) = found.ok_or(ObjectError::NoSuchUpload)?;
        let upload = Upload { id: id.as_str().to_owned(), folder, data };
        if open.key == *key { Ok(upload) } else { Err(ObjectError::NoSuchUpload) }
    }

    fn open_upload(&self, id: &str) -> io::Result<Option<(OpenUpload, OwnedFd, File)>> {
        let is_ours = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_ours {
            return Ok(None);
        }
        let Some(folder) = files::open_folder(&self.uploads, id)? else { return Ok(None) };
        let Some(data) = files::open_to_write(&folder, DATA)? else { return Ok(None) };
        let open = files::read_text(&folder, UPLOAD)?.and_then(|text| parse_upload(id, &text));
        Ok(open.map(|open| (open, folder, data)))
    }

    pub fn upload_part(
        &self,
        key: &ObjectKey,
        id: &UploadId,
        place: &PartPlace,
        body: &[u8],
        checksum: Crc64,
    ) -> Result<StoredPart, ObjectError> {
        if Crc64::of(body) != checksum {
            return Err(ObjectError::ChecksumMismatch);
        }
        let part = PartRecord { offset: place.offset, size: length_of(body), checksum };
        let upload = self.find_upload(key, id)?;
        upload.data.lock_shared().map_err(failed)?;
        upload.must_be_there()?;
        if upload.was_appended_to().map_err(failed)? {
            return Err(refused("InvalidRequest", "an upload that was appended to takes no parts"));
        }
        let _lock = self.hold(&format!("{}/{}", id.as_str(), place.number)).map_err(failed)?;
        self.check_place(&upload, place.number, &part)?;
        self.write_part(&upload, place.number, &part, body).map_err(failed)?;
        Ok(stored(place.number, &part))
    }

    /// Parts must not reach into one another: what one overwrites of another, no checksum would tell.
    fn check_place(&self, upload: &Upload, number: u32, part: &PartRecord) -> Result<(), ObjectError> {
        let invalid = || refused("InvalidPart", "not where the other parts leave room");
        let before = u64::from(number.checked_sub(1).filter(|_| number <= LIMITS.max_parts).ok_or_else(invalid)?);
        let size = match part.offset.checked_div(before) {
            None if part.offset == 0 => part.size,
            Some(size) if size * before == part.offset => size,
            _ => return Err(invalid()),
        };
        let agreed = self.agree(upload, size).map_err(failed)?;
        let fits = part.size <= agreed && (before == 0 || size == agreed);
        if fits { Ok(()) } else { Err(invalid()) }
    }

    /// The size of all parts but the last, as the first part that came told it.
    fn agree(&self, upload: &Upload, size: u64) -> io::Result<u64> {
        let agreed = || -> io::Result<Option<u64>> {
            let text = files::read_text(&upload.folder, PART_SIZE)?;
            Ok(text.and_then(|text| unseal(&text)?.parse().ok()))
        };
        if let Some(agreed) = agreed()? {
            return Ok(agreed);
        }
        let (temporary, _) = self.write_temporary(seal(&size.to_string()).as_bytes(), Flush::Yes)?;
        match files::place(temporary.place(), (upload.folder.as_fd(), PART_SIZE)) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => agreed()?.ok_or_else(|| io::ErrorKind::InvalidData.into()),
        }
    }

    /// While the data is written, nothing says that the part is there.
    fn write_part(&self, upload: &Upload, number: u32, part: &PartRecord, body: &[u8]) -> io::Result<()> {
        let name = part_name(number);
        if files::remove(&upload.folder, &name)? {
            files::sync_folder(&upload.folder)?;
        }
        upload.data.write_all_at(body, part.offset)?;
        upload.data.sync_data()?;
        self.write_text((upload.folder.as_fd(), &name), &part.write(), Flush::Yes)
    }

    pub fn list_parts(&self, key: &ObjectKey, id: &UploadId) -> Result<Vec<StoredPart>, ObjectError> {
        let upload = self.find_upload(key, id)?;
        let mut parts = Vec::new();
        for (name, _) in files::entries(&upload.folder).map_err(failed)? {
            let Some(number) = name.strip_prefix(PART).and_then(|number| number.parse().ok()) else { continue };
            parts.extend(upload.part(number).map_err(failed)?.map(|part| stored(number, &part)));
        }
        parts.sort_unstable_by_key(|part| part.number);
        upload.must_be_there()?;
        Ok(parts)
    }

    pub fn complete_upload(
        &self,
        key: &ObjectKey,
        id: &UploadId,
        parts: &[StoredPart],
        checksum: Crc64,
        condition: &PutCondition,
    ) -> Result<StoredObject, ObjectError> {
        let upload = self.find_upload(key, id)?;
        upload.data.lock().map_err(failed)?;
        upload.must_be_there()?;
        let (size, combined) = upload.whole(parts)?;
        if combined != checksum {
            return Err(ObjectError::ChecksumMismatch);
        }
        self.make_object(key, &upload, (size, checksum), condition)
    }

    /// Makes an object of as many bytes of an upload, which nobody else may write to meanwhile.
    pub fn make_object(
        &self,
        key: &ObjectKey,
        upload: &Upload,
        (size, checksum): (u64, Crc64),
        condition: &PutCondition,
    ) -> Result<StoredObject, ObjectError> {
        let path = self.path(key)?;
        upload.data.set_len(size).and_then(|()| upload.data.sync_all()).map_err(failed)?;
        let from = ((upload.folder.as_fd(), DATA), &upload.data);
        let object = self.install(key, &path, from, checksum, condition)?;
        // What stays of the folder is swept one day.
        drop(self.remove_upload(&upload.id, &upload.folder));
        Ok(object)
    }

    pub fn abort_upload(&self, key: &ObjectKey, id: &UploadId) -> Result<(), ObjectError> {
        let upload = match self.find_upload(key, id) {
            Err(ObjectError::NoSuchUpload) => return Ok(()),
            found => found?,
        };
        upload.data.lock().map_err(failed)?;
        // Else it has become an object meanwhile.
        if upload.must_be_there().is_ok() {
            self.remove_upload(id.as_str(), &upload.folder).map_err(failed)?;
        }
        Ok(())
    }

    /// The data goes first, and with it the upload.
    fn remove_upload(&self, id: &str, folder: &OwnedFd) -> io::Result<()> {
        files::remove(folder, DATA)?;
        for (name, _) in files::entries(folder)? {
            files::remove(folder, &name)?;
        }
        files::remove_folder(&self.uploads, id)?;
        files::sync_folder(&self.uploads)
    }

    pub fn list_uploads(&self, prefix: &str) -> io::Result<Vec<OpenUpload>> {
        let mut uploads = Vec::new();
        for (name, _) in files::entries(&self.uploads)? {
            let open = self.open_upload(&name)?.map(|(open, ..)| open);
            uploads.extend(open.filter(|open| open.key.as_str().starts_with(prefix)));
        }
        uploads.sort_unstable_by(|one, other| {
            (&one.key, one.upload_id.as_str()).cmp(&(&other.key, other.upload_id.as_str()))
        });
        Ok(uploads)
    }

    /// Removes what is left of uploads that are none: begun by half, or ended by half.
    pub(super) fn sweep_uploads(&self) -> io::Result<()> {
        for (name, kind) in files::entries(&self.uploads)? {
            let folder = if kind == Kind::Folder { files::open_folder(&self.uploads, &name)? } else { None };
            let Some(folder) = folder else { continue };
            if files::exists(&folder, DATA)? || !self.is_leftover(&File::from(folder.try_clone()?))? {
                continue;
            }
            // Another process may do the same just now.
            drop(self.remove_upload(&name, &folder));
        }
        Ok(())
    }
}

impl Upload {
    pub fn must_be_there(&self) -> Result<(), ObjectError> {
        let is_there = files::is_still(&self.folder, DATA, &self.data).map_err(failed)?;
        if is_there { Ok(()) } else { Err(ObjectError::NoSuchUpload) }
    }

    /// Whether a part was written, or may have been: what all parts have in common is noted before the first.
    pub fn has_parts(&self) -> io::Result<bool> {
        files::exists(&self.folder, PART_SIZE)
    }

    fn part(&self, number: u32) -> io::Result<Option<PartRecord>> {
        Ok(files::read_text(&self.folder, &part_name(number))?.and_then(|text| PartRecord::read(&text)))
    }

    /// The size and the checksum of what these parts make, if they are those that are there, one after the other.
    fn whole(&self, parts: &[StoredPart]) -> Result<(u64, Crc64), ObjectError> {
        let invalid = || refused("InvalidPart", "not the parts that were uploaded");
        let (mut size, mut checksum) = (0, Crc64::of(b""));
        for (number, named) in (1..).zip(parts) {
            let part = self.part(number).map_err(failed)?.ok_or_else(invalid)?;
            let is_next = named.number == number && part.offset == size;
            if !is_next || named.etag != record::etag(part.size, part.checksum) {
                return Err(invalid());
            }
            checksum = checksum.followed_by(part.checksum, part.size);
            size += part.size;
        }
        if parts.is_empty() { Err(invalid()) } else { Ok((size, checksum)) }
    }
}

fn parse_upload(id: &str, text: &str) -> Option<OpenUpload> {
    let (initiated_at, key) = unseal(text)?.split_once(' ')?;
    Some(OpenUpload {
        key: ObjectKey::parse(key).ok()?,
        upload_id: UploadId::new(id.to_owned()),
        initiated_at: DateTime::from_timestamp_micros(initiated_at.parse().ok()?)?,
    })
}

fn part_name(number: u32) -> String {
    format!("{PART}{number}")
}

fn stored(number: u32, part: &PartRecord) -> StoredPart {
    let etag = record::etag(part.size, part.checksum);
    StoredPart { number, size: part.size, checksum: Some(part.checksum), etag }
}
